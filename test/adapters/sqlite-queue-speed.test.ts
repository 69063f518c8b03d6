import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryHandler, QueueAdapter } from 'transcription-client';
import { afterAll, expect, it } from 'vitest';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { entry } from '../../src/testing/contract/queue-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-speed-'));

afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 1000;
/** Far below what it does: a transaction for each entry would be slower. */
const LEAST_ADDS_PER_SECOND = 5000;
const LEAST_RUNS_PER_SECOND = 500;

async function perSecond(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round((COUNT * 1000) / (performance.now() - startedAt));
}

/** Until all have run, and nothing is left. */
async function runAll(queue: QueueAdapter, concurrency: number): Promise<void> {
  let count = 0;
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const handler: EntryHandler = async () => {
    count += 1;
    if (count === COUNT) finish();
    return { type: 'done' };
  };
  const worker = queue.startWorker(handler, { concurrency, onError: (error) => expect.fail(String(error)) });
  await finished;
  await worker.close();
}

it.each(['full', 'normal'] as const)(
  'adds many at once, and runs them, in few transactions (synchronous %s)',
  async (synchronous) => {
    const queue = createSqliteQueue({ path: join(folder, `${synchronous}.db`), synchronous });
    await queue.depth();
    for (const concurrency of [10, 100]) {
      const entries = Array.from({ length: COUNT }, (_, index) =>
        entry(`e${index}`, { group: `g${index % 7}` }),
      );
      const adds = await perSecond(() => queue.add(entries));
      const runs = await perSecond(() => runAll(queue, concurrency));
      console.log(`${synchronous}, concurrency ${concurrency}: ${adds} adds/s, ${runs} runs/s`);
      expect(adds).toBeGreaterThan(LEAST_ADDS_PER_SECOND);
      expect(runs).toBeGreaterThan(LEAST_RUNS_PER_SECOND);
    }
    await queue.close();
  },
);
