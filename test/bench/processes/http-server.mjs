// @ts-check
// The handlers of /http on node:http. Told the URL of a sink it uses that one; told `start` or `peak`, it answers with
// its memory in bytes.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createHandlers } from 'transcription-client/http';
import { parameters, report } from '../processes.mjs';
import { libraryClient } from './clients.mjs';

const SAMPLE_MS = 5;

parameters();
/** @type {import('transcription-client/http').HttpHandlers} */
let handlers;

const server = createServer(async (incoming, outgoing) => {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method ?? 'GET',
    headers: /** @type {Record<string, string>} */ (incoming.headers),
    signal: gone.signal,
    body: /** @type {BodyInit} */ (/** @type {unknown} */ (Readable.toWeb(incoming))),
    ...{ duplex: 'half' },
  });
  const response = await handlers.fetch(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  else await pipeline(response.body, outgoing).catch(() => undefined);
});

let peakBytes = 0;
setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}, SAMPLE_MS).unref();
process.on('message', (question) => {
  if (typeof question === 'string' && question.startsWith('http:')) {
    const client = libraryClient(question, { limits: { maxConcurrent: 200 } });
    handlers = createHandlers(client, { authorize: () => ({ userId: 'bench' }) });
  }
  if (question === 'start') peakBytes = process.memoryUsage.rss();
  report({ bytes: peakBytes });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') report({ url: `http://127.0.0.1:${address.port}` });
});
