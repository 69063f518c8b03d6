import type { EntryHandler, QueueAdapter } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { DONE, entries, entry, redisRig, sleep, until } from './bullmq-rig.js';

const rig = redisRig();

/** Runs entries in 5 ms each, ten at a time, and writes down in which order they ended. */
function run(queue: QueueAdapter, concurrency = 10): string[] {
  const ended: string[] = [];
  const handler: EntryHandler = async ({ id }) => {
    await sleep(5);
    ended.push(id);
    return DONE;
  };
  queue.startWorker(handler, { concurrency, onError: (error) => expect.fail(String(error)) });
  return ended;
}

const own = (ended: readonly string[], start: string): string[] => ended.filter((id) => id.startsWith(start));

describe('entries with a group', () => {
  it('do not wait for 10,000 of another group', { timeout: 30_000 }, async () => {
    const alone = rig.queue({ name: rig.name() });
    const endedAlone = run(alone);
    await until(async () => (await alone.depth()).active === 0);
    // The times of one round are those of a busy machine: the best of a few counts, of both.
    async function timeOf(queue: QueueAdapter, ended: readonly string[], round: number): Promise<number> {
      const startedAt = performance.now();
      await queue.add(entries(10, `b${round}-`, { group: 'b' }));
      await until(() => own(ended, `b${round}-`).length === 10);
      return performance.now() - startedAt;
    }
    const aloneMs: number[] = [];
    for (let round = 0; round < 5; round += 1) aloneMs.push(await timeOf(alone, endedAlone, round));
    const queue = rig.queue({ name: rig.name() });
    await queue.add(entries(10_000, 'a', { group: 'a' }));
    const ended = run(queue);
    await until(() => ended.length > 20);
    const sharedMs: number[] = [];
    const before: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const first = ended.length;
      sharedMs.push(await timeOf(queue, ended, round));
      before.push(own(ended.slice(first, ended.lastIndexOf(`b${round}-9`)), 'a').length);
    }
    console.log(
      `alone ${Math.min(...aloneMs).toFixed(1)} ms, shared ${Math.min(...sharedMs).toFixed(1)} ms, a before b ${before}`,
    );
    expect(own(ended, 'a').length).toBeLessThan(9000);
    expect(Math.min(...sharedMs)).toBeLessThan(2 * Math.min(...aloneMs) + 5);
    // Whatever the clock says: as many as run at the time, and their successors.
    expect(Math.max(...before)).toBeLessThanOrEqual(30);
  });

  it('are not held up for good by ever new groups', { timeout: 30_000 }, async () => {
    const queue = rig.queue({ name: rig.name() });
    await queue.add(entries(50, 'a', { group: 'a' }));
    const ended: string[] = [];
    let groups = 0;
    queue.startWorker(
      async ({ id }) => {
        ended.push(id);
        groups += 1;
        // One new group for each entry that ran: as much as can be worked off.
        if (!own(ended, 'a').includes('a49')) await queue.add([entry(`n${groups}`, { group: `n${groups}` })]);
        return DONE;
      },
      { concurrency: 1, onError: (error) => expect.fail(String(error)) },
    );
    await until(() => ended.includes('a49'), 25_000);
    expect(ended.length).toBeLessThan(3000);
  });

  it('are not told apart from others once they have run: nothing is left of them', async () => {
    const name = rig.name();
    const queue = rig.queue({ name });
    for (let round = 0; round < 3; round += 1) {
      await queue.add(
        Array.from({ length: 500 }, (_, index) =>
          entry(`${round}-${index}`, { group: `g${round}-${index}` }),
        ),
      );
      const worker = queue.startWorker(async () => DONE, { concurrency: 20, onError: () => undefined });
      await until(async () => {
        const { waiting, active } = await queue.depth();
        return waiting + active === 0;
      });
      await worker.close();
    }
    // What is known goes with its row, at the next entry.
    await queue.add([entry('last', { group: 'last' })]);
    expect(await rig.server.client.zrange(`bull:${name}:groups:1`, '0', '-1')).toEqual(['last']);
  });

  it('that wait in a long row do not pile up what is known of groups that come and go', async () => {
    const name = rig.name();
    const queue = rig.queue({ name });
    await queue.add(entries(2000, 'a', { group: 'a' }));
    const ended = run(queue, 50);
    let group = 0;
    while (ended.length < 1800) {
      group += 1;
      await queue.add(entries(3, `g${group}-`, { group: `g${group}` }));
    }
    const known = await rig.server.client.zcard(`bull:${name}:groups:1`);
    console.log(`${group} groups came and went, ${known} are known`);
    expect(known).toBeLessThan(group);
  });

  it('that are added again keep their place', async () => {
    const queue = rig.queue({ name: rig.name() });
    await queue.add([entry('a0', { group: 'a' }), entry('a1', { group: 'a' }), entry('a2', { group: 'a' })]);
    await queue.add([entry('a0', { group: 'a' }), entry('a1', { group: 'a' })]);
    const ended = run(queue, 1);
    await until(() => ended.length === 3);
    expect(ended).toEqual(['a0', 'a1', 'a2']);
  });

  it('that come back from a delay are not put behind the whole row', async () => {
    const queue = rig.queue({ name: rig.name() });
    await queue.add([...entries(1000, 'a', { group: 'a' }), entry('late', { group: 'b', delayMs: 50 })]);
    await sleep(60);
    const ended = run(queue, 1);
    await until(() => ended.includes('late'));
    expect(ended.indexOf('late')).toBeLessThan(5);
  });
});
