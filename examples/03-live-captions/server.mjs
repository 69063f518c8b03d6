#!/usr/bin/env node
// @ts-check
// Live captions in a browser. README.md tells how to start it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { TranscriptionClient } from 'transcription-client';
import { createApp } from './app.mjs';
import { startBackend } from './backend.mjs';
import { createBridges } from './bridges.mjs';

/** @import { AddressInfo } from 'node:net' */

const { PORT = '3000', HOST = '127.0.0.1', DEEPGRAM_API_KEY } = process.env;
const { values: wishes } = parseArgs({
  options: { emulator: { type: 'boolean' }, pocketsphinx: { type: 'boolean' } },
});

const backend = await startBackend({
  apiKey: wishes.emulator ? undefined : DEEPGRAM_API_KEY,
  usePocketSphinx: wishes.pocketsphinx ?? false,
});
const client = new TranscriptionClient(backend.clientOptions);
client.on('warning', ({ message }) => console.warn(message));

const bridges = createBridges(client);
const server = createServer(createApp({ client, backend }));
server.on('upgrade', bridges.onUpgrade);
server.listen(Number(PORT), HOST);
await once(server, 'listening');
const { port } = /** @type {AddressInfo} */ (server.address());
console.log(`Live captions are at http://${HOST}:${port}`);
console.log(backend.banner);

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** First the sessions, so that their transcripts are stored, then whoever is still connected. */
async function stop() {
  await bridges.close();
  server.close();
  server.closeAllConnections();
  await client.close({ timeoutMs: 5000 });
  await backend.close();
  console.log('Closed');
}
