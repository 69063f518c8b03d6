import { describe, expect, it, vi } from 'vitest';
import type { Page } from '../../src/contracts/storage.js';
import { type Listed, Reconciler } from '../../src/queue/reconciler.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHandQueue } from './hand-queue.js';

const PAGE = 500;
const LOOK_MS = 10_000;

/** A list in memory, newest first, of which all is old unless it is said to be new. */
function createRig(count: number) {
  const clock = new ManualClock();
  const items: Listed[] = Array.from({ length: count }, (_, index) => ({
    id: `job_${index}`,
    createdAt: new Date(clock.wallMs() - 60_000 - count + index).toISOString(),
  })).reverse();
  const hand = createHandQueue();
  const state = { epoch: '1', failPage: -1, failAdds: 0, pages: 0 };
  hand.queue.epoch = async () => state.epoch;
  const add = hand.queue.add;
  hand.queue.add = async (entries) => {
    if (state.failAdds-- > 0) throw new Error('down');
    await add(entries);
  };
  const read = async (cursor = '0'): Promise<Page<Listed>> => {
    const start = Number(cursor);
    state.pages += 1;
    if (start === state.failPage * PAGE) throw new Error('busy');
    const page = { items: items.slice(start, start + PAGE) };
    return start + PAGE < items.length ? { ...page, nextCursor: String(start + PAGE) } : page;
  };
  const entriesOf = vi.fn(async (ids: readonly string[]) =>
    ids.map((id) => ({ id, priority: 0, delayMs: 0 })),
  );
  const found: number[] = [];
  const reconciler = new Reconciler<Listed>({
    clock,
    queue: hand.queue,
    lists: [read],
    entryIdOf: ({ id }) => id,
    entriesOf,
    found: (many) => found.push(many),
  });
  return {
    clock,
    state,
    items,
    entriesOf,
    found,
    reconciler,
    queued: () => hand.added.map(({ id }) => id),
    arrive: (id: string) => add([{ id, priority: 0, delayMs: 0 }]),
    forget: () => hand.added.splice(0),
    /** Pages that a look reads. */
    look: async () => {
      state.pages = 0;
      await clock.advance(LOOK_MS);
      await clock.advance(0);
      return state.pages;
    },
    start: async () => {
      reconciler.start();
      await clock.advance(0);
    },
  };
}

const inOrder = (count: number) => Array.from({ length: count }, (_, index) => `job_${index}`);

describe('the search for what a queue has lost', () => {
  it('gives back all of it at first, oldest first, and in parts', async () => {
    const rig = createRig(1200);
    await rig.start();
    expect(rig.queued()).toEqual(inOrder(1200));
    expect(rig.found).toEqual([500, 500, 200]);
    expect(await rig.look()).toBe(1);
    await rig.reconciler.stop();
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('takes a page a look, all of them where the queue may have lost something', async () => {
    const rig = createRig(1200);
    await rig.start();
    rig.forget();
    expect(await rig.look()).toBe(1);
    expect(rig.queued()).toHaveLength(500);
    rig.state.epoch = '2';
    expect(await rig.look()).toBe(3);
    expect(rig.queued()).toHaveLength(1200);
    await rig.reconciler.stop();
  });

  it('asks again for what is on its way into the queue, and takes no more pages for it', async () => {
    const rig = createRig(1200);
    await rig.start();
    await rig.look();
    await rig.look();
    await rig.look();
    const createdAt = new Date(rig.clock.wallMs() + LOOK_MS - 1000).toISOString();
    rig.items.unshift({ id: 'job_new', createdAt });
    while (!rig.queued().includes('job_new')) {
      expect(await rig.look()).toBe(1);
      expect(rig.clock.monotonicMs()).toBeLessThan(100 * LOOK_MS);
    }
    expect(rig.found).toEqual([500, 500, 200, 1]);
    await rig.reconciler.stop();
  });

  it('does not give back what has arrived meanwhile', async () => {
    const rig = createRig(0);
    rig.items.push({ id: 'job_new', createdAt: new Date(rig.clock.wallMs()).toISOString() });
    await rig.start();
    expect(rig.queued()).toEqual([]);
    await rig.arrive('job_new');
    await rig.look();
    await rig.look();
    expect(rig.queued()).toEqual(['job_new']);
    expect(rig.entriesOf).not.toHaveBeenCalled();
    await rig.reconciler.stop();
  });

  it('goes on where a page has failed, and gives back what it has found until then', async () => {
    const rig = createRig(1200);
    rig.state.failPage = 1;
    await rig.start();
    expect(rig.queued()).toEqual(inOrder(1200).slice(700));
    rig.state.failPage = -1;
    expect(await rig.look()).toBe(2);
    expect(rig.queued()).toHaveLength(1200);
    expect(rig.queued().slice(500)).toEqual(inOrder(700));
    await rig.reconciler.stop();
  });

  it('keeps what the queue did not take for the next look', async () => {
    const rig = createRig(1200);
    rig.state.failAdds = 1;
    await rig.start();
    expect(rig.queued()).toEqual([]);
    expect(await rig.look()).toBe(1);
    expect(rig.queued()).toEqual(inOrder(1200));
    await rig.reconciler.stop();
  });
});
