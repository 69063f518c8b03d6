// A process with a client that works on jobs. Prints `ready`, each new state of a job, and `closed`.
import { createInterface } from 'node:readline';
import { openBackend, type Places } from './backend.js';

interface Parameters {
  readonly places: Places;
  readonly concurrency: number;
  readonly drainMs: number;
}

const parameters = JSON.parse(process.argv[2] ?? '{}') as Parameters;
const { client, close } = openBackend(parameters.places);
client.on('job', ({ state, jobId, attempt }) => console.log(`${state} ${jobId} ${attempt}`));
client.on('warning', ({ code, jobId = '-' }) => console.log(`warning ${code} ${jobId}`));
client.startWorker({
  concurrency: parameters.concurrency,
  closeOnSigterm: { timeoutMs: parameters.drainMs },
});
await client.jobs.list({ limit: 1 });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'close') continue;
  await client.close({ timeoutMs: parameters.drainMs });
  await close();
  console.log('closed');
  break;
}
process.stdin.destroy();
