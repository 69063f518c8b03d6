// A process with two clients that close on SIGTERM. The first one has nothing to wait for; the second one works on a
// job until it is told `finish`. Prints what becomes of them.
import { createInterface } from 'node:readline';
import { TranscriptionClient } from 'transcription-client';

const [endpoint = '', audio = ''] = process.argv.slice(2);
const open = () =>
  new TranscriptionClient({
    apiKey: 'test',
    regions: [{ name: 'emulator', endpoint }],
    queue: { autoStart: false },
  });
const [idle, busy] = [open(), open()];
for (const [name, client] of Object.entries({ idle, busy })) {
  client.startWorker({ closeOnSigterm: { timeoutMs: 20_000 } });
  client.on('job', ({ state }) => console.log(`${name} ${state}`));
  const { close } = client;
  client.close = async (options) => {
    await close.call(client, options);
    console.log(`${name} closed`);
  };
}
await busy.enqueue(audio);
console.log('ready');
for await (const _line of createInterface({ input: process.stdin })) {
  // Only keeps the process alive.
}
