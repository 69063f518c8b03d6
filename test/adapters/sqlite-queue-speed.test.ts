import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { entry } from '../../src/testing/contract/queue-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-speed-'));

afterAll(() => rmSync(folder, { recursive: true }));

/** Far below what it does: only a mistake, such as a transaction for each entry, is slower. */
const LEAST_ADDS_PER_S = 2000;
const LEAST_RUNS_PER_S = 800;

it.each(['full', 'normal'] as const)(
  'adds 1,000 at once, and runs them (synchronous %s)',
  async (synchronous) => {
    const queue = createSqliteQueue({ path: join(folder, `${synchronous}.db`), synchronous });
    await queue.depth();
    const rates = { adds: 0, runs10: 0, runs100: 0 };
    for (const concurrency of [10, 100] as const) {
      const prefix = `c${concurrency}`;
      const addedAt = performance.now();
      await queue.add(
        Array.from({ length: 1000 }, (_, index) => entry(`${prefix}-${index}`, { group: `g${index % 7}` })),
      );
      rates.adds = Math.max(rates.adds, 1e6 / (performance.now() - addedAt));
      let count = 0;
      const startedAt = performance.now();
      await new Promise<void>((resolve, reject) => {
        const handler = async () => {
          count += 1;
          if (count === 1000) resolve();
          return { type: 'done' as const };
        };
        const worker = queue.startWorker(handler, { concurrency, onError: reject });
        void worker;
      });
      rates[`runs${concurrency}`] = 1e6 / (performance.now() - startedAt);
      await queue.close();
      break;
    }
    console.log(synchronous, rates);
    expect(rates.adds).toBeGreaterThan(LEAST_ADDS_PER_S);
    expect(rates.runs10).toBeGreaterThan(LEAST_RUNS_PER_S);
  },
);
