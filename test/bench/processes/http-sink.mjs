// @ts-check
import { createServer } from 'node:http';
import { parameters, report } from '../processes.mjs';

parameters();

const ANSWER = JSON.stringify({
  metadata: { request_id: '0e5b8a52-7b5c-4b0e-9a64-0a3c1f2f6f10', duration: 1, channels: 1 },
  results: { channels: [{ alternatives: [{ transcript: 'one', confidence: 0.99, words: [] }] }] },
});

/** Takes every body to its end, then answers. */
const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') report({ url: `http://127.0.0.1:${address.port}` });
});
