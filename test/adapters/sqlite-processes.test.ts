import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqliteStorage, type SqliteDatabase } from '../../src/adapters/sqlite/index.js';
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

  // Who closes a file as the last one takes its log away. Others are known by their locks.
  it.runIf(existsSync('/proc/locks'))('keep their locks where one of them opens it twice', async () => {
    const path = newPath();
    const first = createSqliteStorage({ path });
    await first.put(record('a'));
    expect(locksOf(path)).toHaveLength(1);
    const second = createSqliteStorage({ path });
    await second.put(record('b'));
    expect(locksOf(path)).toHaveLength(1);
    await second.close?.();
    expect(locksOf(path)).toHaveLength(1);
    await first.close?.();
  });
});

function locksOf(path: string): string[] {
  const { ino } = statSync(path);
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`${process.pid} `) && line.includes(`:${ino} `));
}

describe('a lock of another process', () => {
  it.each([0, 200, 500])(
    'that lasts longer than %i ms is told then, and stops nothing meanwhile',
    async (busyTimeoutMs) => {
      const path = newPath();
      const storage = createSqliteStorage({ path, busyTimeoutMs });
      await storage.put(record('a'));
      const holding = holder.start(path, 'IMMEDIATE');
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

  it('holds up readers where the file has no log, and no longer than busyTimeoutMs', async () => {
    const path = newPath();
    const database = new DatabaseSync(path);
    const storage = createSqliteStorage({ database: database as SqliteDatabase, busyTimeoutMs: 200 });
    await storage.put(record('a'));
    const holding = holder.start(path, 'EXCLUSIVE');
    await holding.printed('locked');
    for (const call of [() => storage.get('jobs', 'a'), () => storage.list('jobs', {})]) {
      expect(await failureOf(call())).toMatchObject({ code: 'storage_unavailable', retryable: true });
    }
    const patient = createSqliteStorage({ database: database as SqliteDatabase });
    const reading = patient.get('jobs', 'a');
    holding.tell('release');
    expect(await reading).toBeDefined();
    await holding.finished();
    database.close();
  });
});
