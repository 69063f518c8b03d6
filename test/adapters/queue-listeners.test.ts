import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { FairOrder } from '../../src/resilience/fair-order.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-listeners-'));
});

afterEach(() => rm(folder, { recursive: true }));

it.each([
  ['memory', () => createMemoryQueue()],
  ['SQLite', () => createSqliteQueue({ path: join(folder, 'queue.db') })],
])('an onError that throws stops no worker (%s)', async (_, open) => {
  const rejections: unknown[] = [];
  const listener = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', listener);
  const queue = open();
  const ran: string[] = [];
  const handler = async ({ id }: { id: string }) => {
    if (id === 'e0') throw new Error('of the handler');
    ran.push(id);
    return { type: 'done' } as const;
  };
  queue.startWorker(handler, {
    concurrency: 1,
    onError() {
      throw new Error('of the listener');
    },
  });
  await queue.add(['e0', 'e1', 'e2'].map((id) => ({ id, priority: 0, delayMs: 0 })));
  await vi.waitFor(() => expect(ran).toEqual(['e1', 'e2']), 5000);
  await queue.close();
  process.off('unhandledRejection', listener);
  expect(rejections).toEqual([]);
});

it('groups whose entries were all cancelled are forgotten', () => {
  const order = new FairOrder<{ priority: number; group: string }>((item) => item);
  order.add({ priority: 0, group: 'head' });
  for (let index = 0; index < 20_000; index += 1) {
    const item = { priority: 0, group: `g${index}` };
    order.add(item);
    order.delete(item);
  }
  expect(order.groups).toBeLessThan(3000);
});
