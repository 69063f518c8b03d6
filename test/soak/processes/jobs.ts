// A process of the run of jobs: a worker, or one that makes jobs. Prints what happens, as one line of JSON each.
import { createInterface } from 'node:readline';
import { openBackend } from '../../queue/processes/backend.js';
import { type JobsLine, type JobsParameters, SECRET } from '../jobs-lines.js';
import { Producer } from './jobs-producer.js';

const WEBHOOK_TIMEOUT_MS = 1000;

const parameters = JSON.parse(process.argv[2] ?? '{}') as JobsParameters;
const { role, places, concurrency, drainMs, whenDown } = parameters;
const { client, close } = openBackend(places, {
  queue: { whenDown },
  webhooks: { secret: SECRET, allow: ['127.0.0.1'], timeoutMs: WEBHOOK_TIMEOUT_MS },
});
client.on('job', ({ state, jobId: id, attempt, code }) =>
  print({ type: 'job', id, state, attempt, ...(code !== undefined && { code }) }),
);
client.on('warning', ({ code, message, jobId: id }) =>
  print({ type: 'warning', code, message, ...(id !== undefined && { id }) }),
);
const producer = role === 'producer' ? new Producer(client, parameters, print) : undefined;
if (role === 'worker') client.startWorker({ concurrency, closeOnSigterm: { timeoutMs: drainMs } });
print({ type: 'ready' });
const producing = producer?.run();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') {
    producer?.stop();
    await producing;
    print({ type: 'stopped' });
  }
  if (line !== 'close') continue;
  await client.close({ timeoutMs: drainMs });
  await close();
  print({ type: 'closed' });
  break;
}
process.stdin.destroy();

function print(line: JobsLine): void {
  console.log(JSON.stringify(line));
}
