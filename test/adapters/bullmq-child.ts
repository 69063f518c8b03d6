import { createInterface } from 'node:readline';
import { createBullmqPostgresQueue, createBullmqQueue } from '../../src/adapters/bullmq/index.js';

/** A worker in a process of its own, on whichever server the URL tells. It prints what happens, and ends by itself when its queue is closed. */
const [connection = '', name = ''] = process.argv.slice(2);
const times = { name, lockDurationMs: 3000, stalledIntervalMs: 1000 };
const queue = connection.startsWith('postgres')
  ? createBullmqPostgresQueue({ connectionString: connection, commandTimeoutMs: 1000, ...times })
  : createBullmqQueue({ connection, ...times });
queue.startWorker(
  ({ id }, signal) =>
    new Promise((resolve) => {
      console.log(`begun ${id}`);
      signal.addEventListener('abort', () => {
        console.log(`aborted ${id} ${signal.reason.code}`);
        resolve({ type: 'again', delayMs: 0 });
      });
    }),
  { concurrency: 50, onError: (error) => console.log(`error ${error}`) },
);
const input = createInterface({ input: process.stdin });
input.on('line', async () => {
  await queue.close();
  console.log('closed');
  input.close();
  process.stdin.destroy();
});
