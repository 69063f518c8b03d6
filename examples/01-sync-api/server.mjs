#!/usr/bin/env node
// @ts-check
// The synchronous pattern behind HTTP. README.md tells how to start it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { TranscriptionClient } from 'transcription-client';
import { createApp } from './app.mjs';

/** @import { AddressInfo } from 'node:net' */

const { PORT = '3000', HOST = '127.0.0.1', DEEPGRAM_ENDPOINT } = process.env;

const client = new TranscriptionClient({
  timeoutMs: 120_000,
  ...(DEEPGRAM_ENDPOINT === undefined ? {} : { regions: [{ name: 'custom', endpoint: DEEPGRAM_ENDPOINT }] }),
});
// Neither transcripts nor keys are in events.
client.on('request-end', ({ status, durationMs, attempts, code }) => {
  console.log(
    `${status}${code === undefined ? '' : ` ${code}`} after ${Math.round(durationMs)} ms, attempts: ${attempts}`,
  );
});
client.on('warning', ({ message }) => console.warn(message));

const server = createServer(createApp(client));
server.listen(Number(PORT), HOST);
await once(server, 'listening');
const { port } = /** @type {AddressInfo} */ (server.address());
console.log(`Listening on http://${HOST}:${port}`);
// The first caller should not wait for the connection to Deepgram.
client.warmUp().catch(({ message }) => console.warn(message));

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** First no new connections, then the running calls, then whoever is still connected. */
async function stop() {
  const closed = once(server, 'close');
  server.close();
  // A connection that was kept alive would go on taking calls.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await client.close({ timeoutMs: 10_000 });
  const lastAnswers = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(lastAnswers);
  clearInterval(sweep);
  console.log('Closed');
}
