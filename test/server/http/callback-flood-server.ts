// The route for callbacks in a process of its own, so that its memory is that of the route alone. Two jobs wait for
// theirs. Prints the URL, and for each line that it is told the bytes that its buffers hold.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TranscriptionClient } from 'transcription-client';
import { createHandlers } from '../../../src/server/http/index.js';
import { urlOf } from '../../../src/server/node/address.js';
import { exchange } from '../../../src/server/node/exchange.js';

const [endpoint = '', audio = '', secret = '', maxBodyBytes = ''] = process.argv.slice(2);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const server = createServer((incoming, outgoing) => {
  const url = urlOf('http', incoming.headers.host, incoming.url ?? '');
  void exchange({ incoming, outgoing, url, parsedBody: undefined }, (asked) => handlers.fetch(asked));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const route = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;

const client = new TranscriptionClient({
  apiKey: 'test',
  regions: [{ name: 'emulator', endpoint }],
  callback: { url: route, secret, maxBodyBytes: Number(maxBodyBytes) },
});
const handlers = createHandlers(client, { authorize: () => null, onError: () => undefined });
for (let count = 0; count < 2; count += 1) await client.enqueue(audio, { delivery: 'callback' });
console.log(route);

for await (const _line of createInterface({ input: process.stdin })) {
  collect();
  console.log(process.memoryUsage().arrayBuffers);
}
