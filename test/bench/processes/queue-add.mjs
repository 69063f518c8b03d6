// @ts-check
// Adds `batches` times 1,000 jobs to an empty queue. Reports jobs per second, the median of the batches.
import { Redis } from 'ioredis';
import { createPostgresStorage } from 'transcription-client/postgres';
import { parameters, report } from '../processes.mjs';
import { median } from '../statistics.mjs';
import { adapterQueue, newEntries, queueClient, rawQueue } from './queues.mjs';

/** @import { QueueEntry } from 'transcription-client' */

const JOBS = 1000;
const WARM_UP_BATCHES = 10;

const { side, url, batches, groups, postgres } = parameters();
const redis = new Redis(url);
const add = await open();

const rates = [];
for (let batch = 0; batch < WARM_UP_BATCHES + batches; batch += 1) {
  // Each finds what the one before found.
  await redis.flushall();
  const entries = newEntries(JOBS, groups);
  const startedAt = performance.now();
  await add(entries);
  if (batch >= WARM_UP_BATCHES) rates.push((JOBS * 1000) / (performance.now() - startedAt));
}
report({ perSecond: median(rates) });

/** @returns {Promise<(entries: QueueEntry[]) => Promise<unknown>>} */
async function open() {
  if (side === 'ours') return adapterQueue(url).add;
  if (side === 'bullmq') return rawQueue(url).add;
  const storage = createPostgresStorage({ connectionString: postgres });
  await storage.health?.();
  // There is no worker, so nobody calls there.
  return queueClient(url, storage, 'http://127.0.0.1:1').enqueue;
}
