#!/usr/bin/env node
// @ts-check
// Works on jobs until it gets SIGTERM. Start as many of them as you like. README.md tells how.
import { openClient } from './settings.mjs';

const { CONCURRENCY = '10' } = process.env;

const { client } = openClient();
client.on('job', ({ state, jobId, code }) => {
  console.log(`${state} ${jobId}${code === undefined ? '' : ` ${code}`}`);
});
client.on('webhook-delivery', ({ jobId, status, httpStatus }) => {
  console.log(`webhook ${status} ${jobId} ${httpStatus ?? 'no answer'}`);
});
client.on('warning', ({ message }) => console.warn(message));

try {
  const { problems } = await client.ready();
  for (const { message } of problems) console.warn(message);
} catch (error) {
  // Redis or the database cannot be used as they are. Whoever supervises this process starts it again.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

// On SIGTERM: no new jobs, 10 s for those that run, and what has not ended by then goes back into the queue.
client.startWorker({ concurrency: Number(CONCURRENCY), closeOnSigterm: { timeoutMs: 10_000 } });
console.log('working');
