#!/usr/bin/env node
// Its packages are not those of this repository.
// @ts-nocheck
// Bull Board on the queues of the library, to look at. README.md tells how to start it.
import { once } from 'node:events';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';

const { REDIS_URL = 'redis://127.0.0.1:6379', PORT = '3001', HOST = '127.0.0.1' } = process.env;
// The options name and prefix of createBullmqQueue(), with the defaults that they have there. With shards it has
// several prefixes.
const { QUEUE_NAME = 'transcription', QUEUE_PREFIX = 'bull' } = process.env;
const prefixes = QUEUE_PREFIX.split(',');

const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
connection.on('error', ({ message }) => console.error(message));

// Jobs, and the messages about their end.
const queues = [QUEUE_NAME, `${QUEUE_NAME}~webhooks`].flatMap((name) =>
  // What the library has set in Redis stays as it is.
  prefixes.map((prefix) => new Queue(name, { connection, prefix, skipMetasUpdate: true })),
);
const serverAdapter = new ExpressAdapter();
serverAdapter.setBasePath('/');
createBullBoard({
  // Read only: the truth about a job is its record in the storage, which the board knows nothing of.
  queues: queues.map((queue) => {
    // The board tells queues apart by their names.
    const prefix = prefixes.length > 1 ? `${queue.opts.prefix} ` : '';
    return new BullMQAdapter(queue, { readOnlyMode: true, prefix });
  }),
  serverAdapter,
  // The library's workers do not give their connections the names by which the board knows workers.
  options: { uiConfig: { boardTitle: 'Transcription', showWorkers: false } },
});

const server = express().use('/', serverAdapter.getRouter()).listen(Number(PORT), HOST);
await once(server, 'listening');
console.log(`Bull Board is on http://${HOST}:${server.address().port}`);

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

async function stop() {
  server.close();
  server.closeAllConnections();
  await Promise.all(queues.map((queue) => queue.close()));
  connection.disconnect();
}
