import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryOutcome, QueueAdapter, QueueEntry } from 'transcription-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { entry } from '../../src/testing/contract/queue-rig.js';
import { buildScript, type Script, type ScriptProcess } from '../support/script-process.js';
import { checkKilledWorkers } from './queue-processes/kills.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-queue-processes-'));
let files = 0;
const newPath = (): string => join(folder, `queue-${++files}.db`);
const running: ScriptProcess[] = [];
const open: QueueAdapter[] = [];
let script: Script;

beforeAll(async () => {
  script = await buildScript(new URL('./queue-processes/worker.ts', import.meta.url));
}, 60_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.kill()));
  await Promise.all(open.splice(0).map((queue) => queue.close()));
});

afterAll(() => {
  script.dispose();
  rmSync(folder, { recursive: true });
});

async function start(path: string, settings: object = {}): Promise<ScriptProcess & { readonly pid: number }> {
  const process = script.start(path, JSON.stringify(settings));
  running.push(process);
  await vi.waitFor(() => expect(process.lines[0]).toMatch(/^pid /), { timeout: 10_000 });
  return Object.assign(process, { pid: Number(process.lines[0]?.slice(4)) });
}

function queueOf(path: string, leaseMs = 30_000): QueueAdapter {
  const queue = createSqliteQueue({ path, leaseMs });
  open.push(queue);
  return queue;
}

interface Run {
  readonly entry: QueueEntry;
  readonly atMs: number;
  end(outcome?: EntryOutcome): void;
}

function runsOf(queue: QueueAdapter): Run[] {
  const runs: Run[] = [];
  const handler = (each: QueueEntry) =>
    new Promise<EntryOutcome>((resolve) => {
      runs.push({
        entry: each,
        atMs: performance.now(),
        end: (outcome = { type: 'done' }) => resolve(outcome),
      });
    });
  queue.startWorker(handler, { concurrency: 4, onError: (error) => expect.fail(String(error)) });
  return runs;
}

const soon = { timeout: 10_000, interval: 10 };

describe('processes on one SQLite queue', () => {
  it('lose nothing when they are killed', { timeout: 60_000 }, async () => {
    const path = newPath();
    await checkKilledWorkers({ script, path, kills: 5, open: () => createSqliteQueue({ path }) });
  });

  it('never run one entry twice', { timeout: 30_000 }, async () => {
    const path = newPath();
    const workers = [await start(path, { workMs: 5 }), await start(path, { workMs: 5 })];
    const queue = queueOf(path);
    const ids = Array.from({ length: 400 }, (_, index) => `e${index}`);
    for (let first = 0; first < ids.length; first += 20) {
      await queue.add(ids.slice(first, first + 20).map((id) => entry(id)));
    }
    await vi.waitFor(
      async () => expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 }),
      soon,
    );
    const begun = workers.map(({ lines }) => lines.filter((line) => line.startsWith('begin ')));
    expect(begun.flat().sort()).toEqual(ids.map((id) => `begin ${id}`).sort());
    for (const lines of begun) expect(lines.length).toBeGreaterThan(20);
  });

  it('hear of a cancel within 500 ms', { timeout: 30_000 }, async () => {
    const path = newPath();
    const worker = await start(path, { concurrency: 10 });
    const queue = queueOf(path);
    const tookMs: number[] = [];
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await queue.add([entry(id)]);
      await worker.printed(`begin ${id}`);
      const startedAt = performance.now();
      expect(await queue.cancel(id)).toBe(true);
      await worker.printed(`abort ${id} job_cancelled`);
      tookMs.push(performance.now() - startedAt);
    }
    console.log('A cancel took', tookMs.map(Math.round), 'ms.');
    // The machine may be busy with something else meanwhile: most of them count.
    expect(tookMs.sort((x, y) => x - y)[2]).toBeLessThan(500);
  });

  it('take over what a killed one ran, long before its lease is over', { timeout: 30_000 }, async () => {
    const path = newPath();
    const queue = queueOf(path);
    await queue.add([entry('a')]);
    const worker = await start(path);
    await worker.printed('begin a');
    await worker.kill();
    const runs = runsOf(queue);
    await vi.waitFor(() => expect(runs).toHaveLength(1), soon);
    runs[0]?.end();
  });

  it('take over from one that stood still, whose outcome is ignored', { timeout: 30_000 }, async () => {
    const path = newPath();
    const leaseMs = 1000;
    const queue = queueOf(path, leaseMs);
    await queue.add([entry('a', { group: 'g' })]);
    const stale = await start(path, { leaseMs });
    await stale.printed('begin a');
    const runs = runsOf(queue);
    process.kill(stale.pid, 'SIGSTOP');
    const stoppedAt = performance.now();
    await vi.waitFor(() => expect(runs).toHaveLength(1), soon);
    expect(performance.now() - stoppedAt).toBeGreaterThan((leaseMs * 2) / 3 - 50);
    process.kill(stale.pid, 'SIGCONT');
    await stale.printed('abort a lease_lost');
    stale.tell('end a');
    await stale.printed('end a');
    // It goes on as a worker of its own: by then the file has what it had to say.
    stale.tell('add b');
    await stale.printed('added b');
    await vi.waitFor(async () => expect(await queue.missing?.(['a', 'b'])).toEqual([]), soon);
    expect((await queue.depth()).active).toBeGreaterThanOrEqual(1);
    runs[0]?.end({ type: 'again', delayMs: 0 });
    await vi.waitFor(
      () =>
        expect(
          [...runs.map((run) => `begin ${run.entry.id}`), ...stale.lines].filter((line) => line === 'begin a')
            .length,
        ).toBe(3),
      soon,
    );
  });
});

describe('a wall clock that was moved', () => {
  // Elsewhere the system does not tell processes what they could agree upon.
  it.runIf(existsSync('/proc/sys/kernel/random/boot_id')).each([3_600_000, -3_600_000])(
    'by %i ms before another process starts changes no delay and no lease',
    { timeout: 30_000 },
    async (wallShiftMs) => {
      const path = newPath();
      const queue = queueOf(path, 1000);
      const runs = runsOf(queue);
      await queue.add([entry('own', { delayMs: 1500 })]);
      const ownAt = performance.now();
      const other = await start(path, { wallShiftMs, leaseMs: 1000, isWorking: false });
      const otherAt = performance.now();
      other.tell('add other 1500');
      const shifted = await start(path, { wallShiftMs, leaseMs: 1000, concurrency: 1 });
      while (performance.now() < ownAt + 1450) {
        expect(begun()).toEqual([]);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await vi.waitFor(() => expect(begun()).toEqual(['other', 'own']), soon);
      const lateMs = performance.now() - otherAt - 1500;
      expect(lateMs).toBeGreaterThan(-20);
      expect(lateMs).toBeLessThan(3000);
      for (const { entry: each, atMs } of runs) {
        expect(atMs - (each.id === 'own' ? ownAt : otherAt)).toBeGreaterThan(1500 - 20);
      }
      // Nobody takes over from anybody.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(begun()).toEqual(['other', 'own']);
      expect(shifted.lines.filter((line) => line.startsWith('abort'))).toEqual([]);

      function begun(): string[] {
        const there = shifted.lines.filter((line) => line.startsWith('begin ')).map((line) => line.slice(6));
        return [...there, ...runs.map((run) => run.entry.id)].sort();
      }
    },
  );
});

describe('a process', () => {
  it('ends by itself where it has no worker and listens to nothing', async () => {
    const process = await start(newPath(), { isWorking: false });
    process.tell('add a');
    await process.printed('added a');
    process.tell('leave');
    running.length = 0;
    expect(await process.finished()).toContain('added a');
  });
});
