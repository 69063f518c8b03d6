// @ts-check
import { randomBytes } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { TranscriptionClient } from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';

/** @import { QueueEntry, StorageAdapter } from 'transcription-client' */

const AT_ONCE = 1000;
/** What an ended job leaves behind, and how often it is tried, as the adapter has it. */
const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 };

/**
 * Entries as the client makes them. With groups: of so many users in turn.
 *
 * @param {number} count
 * @param {number} [groups]
 * @returns {QueueEntry[]}
 */
export function newEntries(count, groups = 0) {
  return Array.from({ length: count }, (_, index) => ({
    id: `job_${randomBytes(16).toString('base64url')}`,
    priority: 0,
    delayMs: 0,
    ...(groups > 0 && { group: `user-${index % groups}` }),
  }));
}

/** @param {string} url */
export function adapterQueue(url) {
  const queue = createBullmqQueue({ connection: url });
  return { queue, add: (/** @type {QueueEntry[]} */ entries) => queue.add(entries) };
}

/**
 * BullMQ as its users have it, with the same jobs: the same data under the same ids.
 *
 * @param {string} url
 */
export function rawQueue(url) {
  const queue = new Queue('raw', { connection: rawConnection(url) });
  return {
    name: queue.name,
    add: (/** @type {QueueEntry[]} */ entries) =>
      queue.addBulk(
        entries.map(({ id, priority }) => ({
          name: 'entry',
          data: { id, priority },
          opts: { ...JOB_OPTIONS, jobId: `e_${id}` },
        })),
      ),
  };
}

/** @param {string} url */
export function rawConnection(url) {
  return new Redis(url, { maxRetriesPerRequest: null });
}

/**
 * The library in its default configuration, but for a limit above the concurrency of its worker.
 *
 * @param {string} url
 * @param {StorageAdapter} storage
 * @param {string} endpoint
 */
export function queueClient(url, storage, endpoint) {
  const client = new TranscriptionClient({
    apiKey: 'bench',
    regions: [{ name: 'bench', endpoint, allowedSources: ['127.0.0.1'] }],
    storage,
    queue: createBullmqQueue({ connection: url }),
    limits: { maxConcurrent: 1000 },
  });
  client.on('request-end', () => undefined);
  return {
    client,
    enqueue: (/** @type {QueueEntry[]} */ entries) =>
      client.enqueueMany(entries.map(() => ({ source: `${endpoint}/audio.wav` }))),
  };
}

/**
 * @param {QueueEntry[]} entries
 * @param {(entries: QueueEntry[]) => Promise<unknown>} add
 */
export async function fill(entries, add) {
  for (let from = 0; from < entries.length; from += AT_ONCE) await add(entries.slice(from, from + AT_ONCE));
}
