import { describe, expect, it, vi } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import type { EntryOutcome, QueueEntry } from '../../src/contracts/queue.js';
import { AbortedError, BadRequestError, QueueError } from '../../src/errors/index.js';
import { ManualClock } from '../support/manual-clock.js';

interface Run {
  readonly id: string;
  readonly signal: AbortSignal;
  end(outcome?: EntryOutcome): void;
  fail(error: unknown): void;
}

function setUp(concurrency = 1) {
  const clock = new ManualClock();
  const queue = createMemoryQueue({ clock });
  const runs: Run[] = [];
  const errors: unknown[] = [];
  const handler = (entry: QueueEntry, signal: AbortSignal): Promise<EntryOutcome> =>
    new Promise((resolve, reject) => {
      runs.push({
        id: entry.id,
        signal,
        end: (outcome = { type: 'done' }) => resolve(outcome),
        fail: reject,
      });
    });
  const start = () => queue.startWorker(handler, { concurrency, onError: (error) => errors.push(error) });
  const ids = () => runs.map(({ id }) => id);
  /** Ends each run as soon as it has begun, until this many have. */
  const drain = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const run = await vi.waitFor(() => {
        const next = runs[index];
        if (next === undefined) throw new Error(`run ${index} has not begun`);
        return next;
      });
      run.end();
    }
    await vi.waitFor(async () => expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
  };
  return { clock, queue, runs, errors, start, ids, drain };
}

function entry(id: string, rest: Partial<QueueEntry> = {}): QueueEntry {
  return { id, priority: 0, delayMs: 0, ...rest };
}

describe('memory queue: order', () => {
  it('runs priority 0 first and equal ones in the order of their arrival', async () => {
    const { queue, start, ids, drain } = setUp();
    const priorities = [2, 0, 1, 0, 2, 1, 0];
    await queue.add(priorities.map((priority, index) => entry(`${priority}-${index}`, { priority })));
    start();
    await drain(priorities.length);
    expect(ids()).toEqual(['0-1', '0-3', '0-6', '1-2', '1-5', '2-0', '2-4']);
    await queue.close();
  });

  it('keeps what was added before a worker starts, and runs no more than its concurrency', async () => {
    const { queue, start, runs, drain } = setUp(3);
    await queue.add(Array.from({ length: 10 }, (_, index) => entry(`e${index}`)));
    expect(await queue.depth()).toEqual({ waiting: 10, delayed: 0, active: 0 });
    start();
    await vi.waitFor(() => expect(runs).toHaveLength(3));
    expect(await queue.depth()).toEqual({ waiting: 7, delayed: 0, active: 3 });
    await drain(10);
    expect(runs).toHaveLength(10);
    await queue.close();
  });

  it('changes nothing where an id is added again, waiting, delayed or running', async () => {
    const { queue, start, runs, drain, clock } = setUp();
    await queue.add([entry('a'), entry('a'), entry('late', { delayMs: 100 })]);
    start();
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    await queue.add([entry('a'), entry('late')]);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 1, active: 1 });
    await clock.advance(100);
    await drain(2);
    await queue.add([entry('a')]);
    await drain(3);
    await queue.close();
  });
});

describe('memory queue: time', () => {
  it('waits for the delay on its clock', async () => {
    const { queue, start, ids, clock, drain } = setUp();
    start();
    await queue.add([entry('slow', { delayMs: 1000 }), entry('quick', { delayMs: 500, priority: 9 })]);
    await clock.advance(499);
    expect(ids()).toEqual([]);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 2, active: 0 });
    await clock.advance(1);
    expect(ids()).toEqual(['quick']);
    await clock.advance(500);
    await drain(2);
    expect(ids()).toEqual(['quick', 'slow']);
    await queue.close();
  });

  it('runs an entry again after the delay that its handler asked for', async () => {
    const { queue, start, runs, clock, drain } = setUp();
    start();
    await queue.add([entry('a')]);
    runs[0]?.end({ type: 'again', delayMs: 200 });
    await clock.advance(199);
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    runs[1]?.end({ type: 'again', delayMs: 0 });
    await drain(3);
    expect(runs).toHaveLength(3);
    await queue.close();
  });
});

describe('memory queue: cancel', () => {
  it('takes out waiting and delayed entries', async () => {
    const { queue, start, ids, clock, drain } = setUp();
    await queue.add([entry('a'), entry('b'), entry('c', { delayMs: 50 }), entry('d')]);
    expect(await queue.cancel('b')).toBe(true);
    expect(await queue.cancel('c')).toBe(true);
    expect(await queue.cancel('b')).toBe(false);
    expect(await queue.cancel('unknown')).toBe(false);
    expect(clock.pendingTimers).toBe(0);
    await queue.add([entry('b')]);
    start();
    await clock.advance(100);
    await drain(3);
    expect(ids()).toEqual(['a', 'd', 'b']);
    await queue.close();
  });

  it('aborts a running entry, keeps its place until its handler ends, and does not run it again', async () => {
    const { queue, start, runs, clock } = setUp();
    start();
    await queue.add([entry('a'), entry('b')]);
    expect(await queue.cancel('a')).toBe(true);
    expect(runs[0]?.signal.reason).toMatchObject({ name: 'AbortedError', code: 'job_cancelled' });
    await clock.advance(10);
    expect(runs).toHaveLength(1);
    runs[0]?.end({ type: 'again', delayMs: 0 });
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    expect(runs[1]?.id).toBe('b');
    runs[1]?.end();
    await vi.waitFor(async () => expect((await queue.depth()).active).toBe(0));
    expect(runs).toHaveLength(2);
    await queue.close();
  });
});

describe('memory queue: workers', () => {
  it('reports what a handler throws, and goes on', async () => {
    const { queue, start, runs, errors } = setUp();
    start();
    await queue.add([entry('a'), entry('b')]);
    runs[0]?.fail(new Error('bug'));
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    expect(errors).toEqual([new Error('bug')]);
    runs[1]?.end();
    await queue.close();
  });

  it('refuses a second worker until the first is closed', async () => {
    const { queue, start, runs } = setUp();
    const worker = start();
    expect(start).toThrow(QueueError);
    await worker.close({ timeoutMs: 0 });
    await queue.add([entry('a')]);
    expect(runs).toHaveLength(0);
    start();
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    runs[0]?.end();
    await queue.close();
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses concurrency %d',
    async (concurrency) => {
      const { queue, start } = setUp(concurrency);
      expect(start).toThrow(BadRequestError);
      await queue.close();
    },
  );

  it('drains: no new entries, and no abort while the deadline has not passed', async () => {
    const { queue, start, runs, clock } = setUp();
    const worker = start();
    await queue.add([entry('a'), entry('b')]);
    const closed = worker.close({ timeoutMs: 1000 });
    await clock.advance(999);
    expect(runs[0]?.signal.aborted).toBe(false);
    runs[0]?.end();
    await closed;
    expect(runs).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
    expect(await queue.depth()).toEqual({ waiting: 1, delayed: 0, active: 0 });
    await queue.close();
  });

  it('drains for 10 seconds where no time is named', async () => {
    const { queue, start, runs, clock } = setUp();
    const worker = start();
    await queue.add([entry('a')]);
    const closed = worker.close();
    await clock.advance(9999);
    expect(runs[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(runs[0]?.signal.aborted).toBe(true);
    runs[0]?.end();
    await closed;
    await queue.close();
  });

  it.each([
    [null],
    [5],
    ['x'],
    [[]],
    [{ timeoutMs: 'x' }],
    [{ timeoutMs: -1 }],
    [{ timeoutMs: Number.NaN }],
    [{ timeoutMs: null }],
    [{ timeout: 5 }],
  ])('refuses close(%o), and the next one counts', async (options) => {
    const { queue, start, runs } = setUp();
    const worker = start();
    await expect(worker.close(options as never)).rejects.toBeInstanceOf(BadRequestError);
    await queue.add([entry('a')]);
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    await worker.close();
    await queue.close();
  });

  it('aborts what still runs at the deadline, and does not wait for ever', async () => {
    const { queue, start, runs, clock } = setUp(2);
    const worker = start();
    await queue.add([entry('obedient'), entry('deaf')]);
    runs[0]?.signal.addEventListener('abort', () => runs[0]?.end({ type: 'again', delayMs: 0 }));
    let isClosed = false;
    const closed = worker.close({ timeoutMs: 1000 }).then(() => {
      isClosed = true;
    });
    await clock.advance(1000);
    expect(runs[1]?.signal.reason).toBeInstanceOf(AbortedError);
    expect(runs[1]?.signal.reason).toMatchObject({ code: 'client_closed' });
    expect(isClosed).toBe(false);
    await clock.advance(500);
    await closed;
    expect(await queue.depth()).toEqual({ waiting: 1, delayed: 0, active: 1 });
    runs[1]?.end();
    await queue.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('forgets its timers and takes nothing more once it is closed', async () => {
    const { queue, start, clock, runs } = setUp();
    start();
    await queue.add([entry('a', { delayMs: 1000 }), entry('b')]);
    const closed = queue.close();
    runs[0]?.end({ type: 'again', delayMs: 5 });
    await closed;
    expect(clock.pendingTimers).toBe(0);
    await expect(queue.add([entry('c')])).rejects.toBeInstanceOf(QueueError);
    expect(start).toThrow(QueueError);
  });
});
