import type { QueueAdapter } from 'transcription-client';
import { createBullmqPostgresQueue } from 'transcription-client/bullmq';
import { afterEach, describe, expect, it } from 'vitest';
import { DONE, entries, entry, recorder, redisRig, sleep, until } from './bullmq-rig.js';
import { testServer } from './postgres-rig.js';

const rig = redisRig();
const postgres = testServer({ fsync: 'off' });
const queues: QueueAdapter[] = [];
let url: string | undefined;

afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close();
});

async function open(server: string, name = rig.name()): Promise<QueueAdapter> {
  if (server === 'Redis') return rig.queue({ name });
  url ??= await postgres.server.createDatabase();
  const queue = createBullmqPostgresQueue({ connectionString: url, name });
  queues.push(queue);
  return queue;
}

/** The ids in the order of their runs, one at a time. */
function run(queue: QueueAdapter, isDone: (ran: readonly string[], id: string) => boolean = () => true) {
  const ran: string[] = [];
  queue.startWorker(
    async ({ id }) => {
      ran.push(id);
      return isDone(ran, id) ? DONE : { type: 'again', delayMs: 0 };
    },
    { concurrency: 1, onError: (error) => expect.fail(String(error)) },
  );
  return ran;
}

const inOrder = (ran: readonly string[], group: string): number[] =>
  ran.filter((id) => id.startsWith(group)).map((id) => Number(id.slice(group.length)));

describe.each(['Redis', 'PostgreSQL'])('groups on %s', { timeout: 30_000 }, (server) => {
  it('take turns when their delays are over', async () => {
    const queue = await open(server);
    await queue.add(entries(300, 'a', { group: 'a', delayMs: 100 }));
    await sleep(200);
    await queue.add(entries(10, 'b', { group: 'b' }));
    const ran = run(queue);
    await until(() => ran.length === 310);
    expect(ran.indexOf('b9')).toBeLessThan(40);
  });

  it('take turns with entries that come back from a delay, which do not wait for the whole row', async () => {
    const queue = await open(server);
    await queue.add([
      ...entries(500, 'a', { group: 'a' }),
      ...entries(5, 'late', { group: 'b', delayMs: 50 }),
    ]);
    await sleep(60);
    const ran = run(queue);
    await until(() => ran.includes('late4'));
    expect(ran.indexOf('late4')).toBeLessThan(30);
  });

  it('take turns with an entry that comes back at once', async () => {
    const queue = await open(server);
    await queue.add([entry('a', { group: 'a' }), ...entries(10, 'b', { group: 'b' })]);
    const ran = run(queue, (all, id) => id !== 'a' || all.includes('b9') || all.length > 200);
    await until(() => ran.includes('b9'));
    expect(ran.indexOf('b9')).toBeLessThan(30);
  });

  it('go on with what a worker put back when it was closed', async () => {
    const name = rig.name();
    const queue = await open(server, name);
    const { handler, options, run: begun, runs } = recorder();
    await queue.add(entries(50, 'a', { group: 'a' }));
    const worker = queue.startWorker(handler, options(3));
    await begun(2);
    for (const { signal, end } of runs)
      signal.addEventListener('abort', () => end({ type: 'again', delayMs: 0 }), { once: true });
    await worker.close({ timeoutMs: 0 });
    await queue.add(entries(10, 'b', { group: 'b' }));
    const ran = run(queue);
    await until(() => ran.length === 60);
    expect(new Set(ran.slice(0, 3))).toEqual(new Set(['a0', 'a1', 'a2']));
    expect(inOrder(ran.slice(3), 'a')).toEqual([...Array(50).keys()].slice(3));
  });

  it('whose entries were cancelled are not put behind all others', async () => {
    const queue = await open(server);
    await queue.add(entries(10, 'b', { group: 'b' }));
    await queue.add(entries(300, 'a', { group: 'a' }));
    for (const { id } of entries(300, 'a')) expect(await queue.cancel(id)).toBe(true);
    await queue.add(entries(250, 'c', { group: 'c' }));
    await queue.add([entry('new', { group: 'a' })]);
    const ran = run(queue);
    await until(() => ran.includes('new'));
    expect(ran.indexOf('new')).toBeLessThan(50);
  });

  it('keep their order where some of their entries were cancelled', async () => {
    const queue = await open(server);
    await queue.add([...entries(200, 'b', { group: 'b' }), ...entries(200, 'a', { group: 'a' })]);
    const cancelled = [199, 198, 150, 10, 197, 0, 196, 195];
    for (const number of cancelled) expect(await queue.cancel(`a${number}`)).toBe(true);
    await queue.add([entry('a1000', { group: 'a' }), entry('a1001', { group: 'a' })]);
    const ran = run(queue);
    await until(() => ran.length === 394);
    const left = [...Array(200).keys()].filter((number) => !cancelled.includes(number));
    expect(inOrder(ran, 'a')).toEqual([...left, 1000, 1001]);
    // The cancelled ones at the end left their places.
    expect(ran.indexOf('a1001')).toBeLessThan(394 - 2);
  });

  it('do not fall behind a long row because of newcomers', async () => {
    const queue = await open(server);
    await queue.add(entries(1000, 'a', { group: 'a' }));
    for (let index = 0; index < 200; index += 1)
      await queue.add([entry(`n${index}`, { group: `n${index}` })]);
    await queue.add(entries(10, 'b', { group: 'b' }));
    const ran = run(queue);
    await until(() => ran.includes('b9'));
    expect(inOrder(ran.slice(0, ran.indexOf('b9')), 'a').length).toBeLessThan(50);
  });
});
