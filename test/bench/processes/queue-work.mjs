// @ts-check
// A worker whose jobs cost nothing works off a queue that was filled before. Reports jobs per second.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { parameters, report } from '../processes.mjs';
import { adapterQueue, fill, newEntries, queueClient, rawConnection, rawQueue } from './queues.mjs';

/** Of the jobs, for connections and code that becomes fast: the time of the others counts. */
const WARM_UP_SHARE = 0.2;

const { side, url, concurrency, jobs, groups, sink } = parameters();
await new Redis(url).flushall();
const entries = newEntries(jobs, groups);
const warmUpJobs = jobs * WARM_UP_SHARE;
let done = 0;
let startedAt = 0;
/** @type {() => void} */
let finish = () => undefined;
const finished = new Promise((resolve) => {
  finish = () => resolve(undefined);
});

/** @type {Record<string, () => Promise<void>>} */
const sides = { ours: workAdapter, bullmq: workRaw, client: workClient };
await sides[side]?.();

function count() {
  done += 1;
  if (done === warmUpJobs) startedAt = performance.now();
  if (done === jobs) finish();
}

function tell() {
  report({ perSecond: ((jobs - warmUpJobs) * 1000) / (performance.now() - startedAt) });
}

async function workAdapter() {
  const { queue, add } = adapterQueue(url);
  await fill(entries, add);
  queue.startWorker(
    async () => {
      count();
      return { type: 'done' };
    },
    { concurrency, onError: console.error },
  );
  await finished;
  tell();
}

async function workRaw() {
  const { name, add } = rawQueue(url);
  await fill(entries, add);
  // With three parameters, as the one of a job that can be cancelled has them.
  const worker = new Worker(name, async (_job, _token, _signal) => count(), {
    connection: rawConnection(url),
    concurrency,
  });
  worker.on('error', console.error);
  await finished;
  tell();
}

async function workClient() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-queue-'));
  const { client, enqueue } = queueClient(
    url,
    createSqliteStorage({ path: join(folder, 'records.db') }),
    sink,
  );
  await fill(entries, enqueue);
  client.on('job', ({ state }) => {
    if (state === 'completed') count();
  });
  client.startWorker({ concurrency });
  await finished;
  tell();
  await client.close({ timeoutMs: 0 });
  rmSync(folder, { recursive: true });
}
