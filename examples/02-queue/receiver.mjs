#!/usr/bin/env node
// @ts-check
// Takes webhooks. It needs the secret, and neither Redis nor the database nor a key. README.md tells how to start it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { TranscriptionError, verifyWebhook } from 'transcription-client';
import { WEBHOOK_SECRET } from './settings.mjs';

/** @import { AddressInfo } from 'node:net' */
/** @import { IncomingMessage } from 'node:http' */

const { PORT = '3000', HOST = '127.0.0.1' } = process.env;
const LONGEST_BODY = 1_048_576;
/** Ids of messages that were taken. A real receiver keeps them where its other data is. */
const seen = new Set();

const server = createServer(async (request, response) => {
  response.writeHead(await take(request), { connection: 'close' }).end();
});
server.listen(Number(PORT), HOST);
await once(server, 'listening');
console.log(`listening on http://${HOST}:${/** @type {AddressInfo} */ (server.address()).port}/hooks`);
process.once('SIGTERM', () => server.close());

/**
 * The status of the answer. What is no 2xx is sent again later.
 *
 * @param {IncomingMessage} request
 */
async function take(request) {
  if (request.method !== 'POST' || request.url !== '/hooks') return 404;
  if (!(Number(request.headers['content-length']) <= LONGEST_BODY)) return 413;
  try {
    // The signature covers the bytes of the body: verify them before anything parses them.
    const body = await buffer(request);
    const event = await verifyWebhook({ headers: request.headers, body, secret: WEBHOOK_SECRET });
    if (!seen.has(event.id)) {
      seen.add(event.id);
      const { jobId, status, text, error } = event.data;
      console.log(`${status} ${jobId} ${text ?? error?.code ?? ''}`);
    }
    return 204;
  } catch (error) {
    const code = TranscriptionError.isInstance(error) ? error.code : 'internal';
    console.log(`refused ${code}`);
    return code === 'invalid_signature' ? 401 : 500;
  }
}
