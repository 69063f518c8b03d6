#!/usr/bin/env node
// @ts-check
// All patterns behind one route. README.md tells how to start it.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TranscriptionClient } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { createPrometheus } from 'transcription-client/prometheus';
import { createStreamTokens, createWebSocketBridge } from 'transcription-client/websocket';
import { createApp } from './app.mjs';
import { startBackend } from './backend.mjs';
import { explainListening, portOf } from './ports.mjs';

/** @import { AddressInfo } from 'node:net' */
/** @import { RouteRule } from 'transcription-client' */

const {
  PORT = '3000',
  HOST = '127.0.0.1',
  PUBLIC_WS_URL,
  DEEPGRAM_API_KEY,
  EMULATOR_PORT = '8080',
  SYNC_BELOW_SECONDS = '60',
  ASYNC_ABOVE_SECONDS = '300',
  STREAM_SECRET = randomBytes(32).toString('hex'),
} = process.env;

/**
 * A rule of our own, before those that are built in: Grace sends archives, and nobody waits for them.
 *
 * @type {RouteRule}
 */
const archives = { name: 'archives', decide: ({ userId }) => (userId === 'grace' ? 'async' : undefined) };

const wantedPort = portOf('PORT', PORT);
const emulatorPort = portOf('EMULATOR_PORT', EMULATOR_PORT);
const backend = await startBackend(DEEPGRAM_API_KEY, emulatorPort).catch((error) =>
  explainListening({ name: 'EMULATOR_PORT', port: emulatorPort })(error.cause ?? error),
);
const server = createServer().listen(wantedPort, HOST);
await once(server, 'listening').catch(explainListening({ name: 'PORT', port: wantedPort, host: HOST }));
const uploads = mkdtempSync(join(tmpdir(), 'hybrid-uploads-'));
const prometheus = createPrometheus({ routes: true });
// Records and jobs are in memory, and end with the process. docs/queue.md tells how to keep them.
const client = prometheus.watch(
  new TranscriptionClient({
    ...backend.clientOptions,
    metrics: [prometheus],
    // Where audio waits that was sent, and whose turn comes later.
    audioStore: createFileAudioStore({ directory: uploads }),
    router: {
      syncBelowSeconds: Number(SYNC_BELOW_SECONDS),
      asyncAboveSeconds: Number(ASYNC_ABOVE_SECONDS),
      rules: [archives],
    },
  }),
);
// Neither transcripts nor keys are in events.
client.on('route', ({ mode, rule }) => console.log(`${mode}, by the rule ${rule}`));
client.on('warning', ({ message }) => console.warn(message));

const tokens = createStreamTokens({ secret: STREAM_SECRET });
const bridge = createWebSocketBridge(client, { path: '/stream', authorize: tokens.authorize });

const { port } = /** @type {AddressInfo} */ (server.address());
const url = PUBLIC_WS_URL ?? `ws://${HOST}:${port}/stream`;
server.on('request', createApp(client, { metrics: prometheus, stream: { url, tokens } }));
bridge.attach(server);
console.log(`Listening on http://${HOST}:${port}`);
console.log(`A recording is at ${backend.recording}`);
console.log(backend.banner);

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** First no new connections, then what runs, then whoever is still connected. */
async function stop() {
  server.close();
  await bridge.close({ timeoutMs: 5000 });
  await client.close({ timeoutMs: 10_000 });
  server.closeAllConnections();
  await backend.close();
  rmSync(uploads, { recursive: true, force: true });
  console.log('Closed');
}
