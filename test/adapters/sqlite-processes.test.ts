import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { buildScript, type Script } from '../support/script-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-processes-'));
let files = 0;
const newPath = (): string => join(folder, `records-${++files}.db`);

let counter: Script;
let holder: Script;

beforeAll(async () => {
  counter = await buildScript(new URL('./storage-processes/counter.ts', import.meta.url));
  holder = await buildScript(new URL('./storage-processes/lock-holder.ts', import.meta.url));
}, 60_000);

afterAll(() => {
  counter.dispose();
  holder.dispose();
  rmSync(folder, { recursive: true });
});

/** Lets processes begin at once, and resolves when all of them have done everything. */
async function countTogether(path: string, processes: number, times: number): Promise<void> {
  const running = Array.from({ length: processes }, (_, index) =>
    counter.start('sqlite', path, `p${index}`, String(times)),
  );
  for (const each of running) await each.printed('ready');
  for (const each of running) each.tell('go');
  for (const each of running) expect(await each.finished()).toEqual(['ready', 'done']);
}

async function expectWhole(path: string, processes: number, times: number): Promise<void> {
  const storage = createSqliteStorage({ path });
  expect(await storage.get('jobs', 'count')).toMatchObject({
    data: processes * times,
    version: processes * times,
  });
  for (let each = 0; each < processes; each += 1) {
    for (let step = 0; step < times; step += 1) {
      expect(await storage.get('jobs', `p${each}-${step}`)).toMatchObject({ data: step, version: 1 });
    }
  }
  await storage.close?.();
}

describe('processes that share a SQLite file', () => {
  it('lose nothing of each other, and none waits too long for the other', { timeout: 60_000 }, async () => {
    const path = newPath();
    await countTogether(path, 2, 500);
    await expectWhole(path, 2, 500);
  });

  it.each([2, 5])('may be %i that find no file yet', { timeout: 60_000 }, async (processes) => {
    for (let round = 0; round < 3; round += 1) {
      const path = newPath();
      await countTogether(path, processes, 3);
      await expectWhole(path, processes, 3);
    }
  });

  it('keep what they have open where one of them opens it twice', async () => {
    const path = newPath();
    const first = createSqliteStorage({ path });
    await first.put(record('a'));
    const second = createSqliteStorage({ path });
    await second.get('jobs', 'a');
    // The last process to close a file takes its log away: this one is not the last.
    await countTogether(path, 1, 1);
    await first.put(record('b'));
    await second.put(record('c'));
    await countTogether(path, 1, 1);
    await first.close?.();
    await second.close?.();
    const again = createSqliteStorage({ path });
    expect((await again.list('jobs', {})).items.map(({ id }) => id).sort()).toEqual([
      'a',
      'b',
      'c',
      'count',
      'p0-0',
    ]);
    expect(await again.get('jobs', 'count')).toMatchObject({ data: 2 });
    await again.close?.();
  });
});

describe('a lock of another process', () => {
  it.each([0, 200, 500])(
    'that lasts longer than %i ms is told then, and stops nothing meanwhile',
    async (busyTimeoutMs) => {
      const path = newPath();
      const storage = createSqliteStorage({ path, busyTimeoutMs });
      await storage.put(record('a'));
      const holding = holder.start(path);
      await holding.printed('locked');
      for (const call of [
        () => storage.put(record('b')),
        () => storage.transact?.([{ type: 'put', record: record('b') }]),
        () => storage.health?.(),
      ]) {
        let ticks = 0;
        const ticking = setInterval(() => {
          ticks += 1;
        }, 10);
        const startedAt = performance.now();
        const error = await failureOf(Promise.resolve(call()));
        const tookMs = performance.now() - startedAt;
        clearInterval(ticking);
        expect(error).toMatchObject({ code: 'storage_unavailable', retryable: true });
        expect(error.message).toMatch(/locked.*busyTimeoutMs/);
        expect(tookMs).toBeGreaterThanOrEqual(busyTimeoutMs);
        expect(tookMs).toBeLessThan(busyTimeoutMs + 100);
        expect(ticks).toBeGreaterThan(busyTimeoutMs / 40 - 1);
      }
      // Readers do not wait for writers.
      expect(await storage.get('jobs', 'a')).toBeDefined();
      const writing = createSqliteStorage({ path }).put(record('b'));
      holding.tell('release');
      await holding.finished();
      expect(await writing).toBe(true);
      expect(await storage.get('jobs', 'b')).toBeDefined();
      await storage.close?.();
    },
  );
});
