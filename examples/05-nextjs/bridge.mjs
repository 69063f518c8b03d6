#!/usr/bin/env node
// @ts-check
// What outlives a request, beside Next.js: WebSockets, to which a route handler cannot upgrade, and the jobs.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createStreamTokens, createWebSocketBridge } from 'transcription-client/websocket';
import { openClient } from './lib/client.mjs';

const { BRIDGE_PORT = '3001', HOST = '127.0.0.1', STREAM_SECRET = '', APP_ORIGINS = '' } = process.env;

const { client, storage } = openClient();
client.on('warning', ({ message }) => console.warn(message));
client.startWorker();

const tokens = createStreamTokens({ secret: STREAM_SECRET });
const bridge = createWebSocketBridge(client, {
  authorize: tokens.authorize,
  allowedOrigins: APP_ORIGINS.split(','),
  // Model and add-ons cost money: they are set here. A browser says how its audio is encoded.
  streamOptions: { model: 'nova-3', smart_format: true, interim_results: true },
  allowedOptions: ['encoding', 'sample_rate', 'channels'],
  maxSessionMs: 60 * 60_000,
  onEvent: (event) => {
    if (event.type === 'error') console.error(event.error.message);
  },
});

const server = createServer((_request, response) => response.writeHead(404).end());
bridge.attach(server);
server.listen(Number(BRIDGE_PORT), HOST);
await once(server, 'listening');
process.send?.('ready');

let isStopping = false;
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

async function stop() {
  // A Ctrl-C comes from the terminal, and once more from run.mjs.
  if (isStopping) return;
  isStopping = true;
  await bridge.close({ timeoutMs: 3000 });
  server.close();
  await client.close({ timeoutMs: 3000 });
  await storage.close?.();
  if (process.connected) process.disconnect();
}
