import { QueueError } from 'transcription-client';
import { type BullmqQueueOptions, createBullmqQueue } from 'transcription-client/bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RedisSentinel, SENTINEL_PASSWORD, startRedisSentinel } from '../support/redis-sentinel.mjs';
import { DONE, entries, FAULT_TIMES, sleep, succeeds, until } from './bullmq-rig.js';

const COMMAND_TIMEOUT_MS = 1000;
/** What a busy machine may add to a time limit. */
const SLACK_MS = 1500;

let servers: RedisSentinel;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  servers = await startRedisSentinel({ settings: { appendonly: 'yes', appendfsync: 'no' } });
  // The first call loads it, within its time.
  await import('bullmq');
}, 60_000);

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await servers.close();
}, 60_000);

function open(options: BullmqQueueOptions = {}) {
  const { sentinels, name } = servers;
  const queue = createBullmqQueue({
    connection: { sentinels, name, password: SENTINEL_PASSWORD },
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    ...FAULT_TIMES,
    ...options,
  });
  closing.push(() => queue.close());
  return queue;
}

type Queue = ReturnType<typeof open>;

/** A worker on a queue of its own. The ids of the entries that it has ended. */
function work(durationMs: number): Set<string> {
  const ended = new Set<string>();
  open().startWorker(
    async ({ id }) => {
      await sleep(durationMs);
      ended.add(id);
      return DONE;
    },
    { concurrency: 5, onError: () => undefined },
  );
  return ended;
}

async function hear(queue: Queue): Promise<string[]> {
  const heard: string[] = [];
  const listener = { message: (text: string) => heard.push(text), gap: () => heard.push('GAP') };
  await until(() => succeeds(queue.channel?.subscribe(listener) ?? Promise.reject()));
  return heard;
}

async function untilHeard(queue: Queue, heard: readonly string[], text: string): Promise<void> {
  await until(async () => {
    await queue.channel?.publish(text).catch(() => undefined);
    return heard.includes(text);
  }, 20_000);
}

async function untilWorkedOn(queue: Queue, ended: ReadonlySet<string>, prefix: string): Promise<void> {
  const added = entries(20, prefix);
  await until(() => succeeds(queue.add(added)), 20_000);
  await until(() => added.every(({ id }) => ended.has(id)), 20_000);
}

/** Each of the calls rejects, within its time. */
async function expectUnavailable(calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const call of calls) {
    const startedAt = performance.now();
    const error = await call().catch((reason: unknown) => reason);
    expect(performance.now() - startedAt).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);
    expect(error).toBeInstanceOf(QueueError);
    expect(error).toMatchObject({ code: 'queue_unavailable', retryable: true });
    expect(`${(error as Error).stack}`).not.toContain(SENTINEL_PASSWORD);
  }
}

describe('a queue behind Sentinels', () => {
  it('goes on with the replica when the master dies', { timeout: 60_000 }, async () => {
    const queue = open();
    const heard = await hear(queue);
    const ended = work(50);
    await untilHeard(queue, heard, 'before');
    const epoch = await queue.epoch?.();
    const acknowledged = entries(300);
    await queue.add(acknowledged);
    await until(() => ended.size > 20);
    await servers.untilReplicated();
    const dying = await servers.master();
    await servers.kill(dying);
    expect(ended.size).toBeLessThan(acknowledged.length);
    await servers.untilReplaced(dying);
    await until(() => acknowledged.every(({ id }) => ended.has(id)), 20_000);
    await untilWorkedOn(queue, ended, 'after');
    await until(async () => (await queue.depth()).active === 0);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    expect(await queue.epoch?.()).not.toBe(epoch);
    expect(heard).toContain('GAP');
    await untilHeard(queue, heard, 'after');
    expect(await queue.health?.()).toEqual([]);
  });

  it('keeps the limits of time while there is no master', { timeout: 60_000 }, async () => {
    const queue = open();
    const ended = work(1);
    await untilWorkedOn(queue, ended, 'before');
    await servers.untilReplicated();
    await servers.setDownAfter(60_000);
    const dying = await servers.master();
    await servers.kill(dying);
    await expectUnavailable([
      () => queue.add(entries(1, 'known')),
      () => open().add(entries(1, 'new')),
      () => queue.cancel('e'),
      async () => queue.epoch?.(),
      async () => queue.health?.(),
      async () => queue.channel?.publish('text'),
    ]);
    // A replica that lost its master for ten times as long is never promoted.
    await servers.setDownAfter(3000);
    await servers.untilReplaced(dying);
    await untilWorkedOn(queue, ended, 'after');
  });

  it.each(['freeze', 'kill'] as const)('keeps the limits of time without Sentinels (%s)', async (end) => {
    const queue = open();
    await queue.add(entries(1));
    const dying = await servers.master();
    for (const { port } of servers.sentinels) await servers[end](port);
    await servers.kill(dying);
    await expectUnavailable([
      () => queue.add(entries(1, 'known')),
      () => open().add(entries(1, 'new')),
      async () => queue.health?.(),
    ]);
    const startedAt = performance.now();
    await queue.close();
    expect(performance.now() - startedAt).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);
  });

  it('asks another Sentinel where one does not answer', { timeout: 60_000 }, async () => {
    servers.freeze(servers.sentinels[0]?.port ?? 0);
    const queue = open();
    const ended = work(1);
    await untilWorkedOn(queue, ended, 'e');
    await untilHeard(queue, await hear(queue), 'message');
  });

  it('goes on with the replica when the master freezes', { timeout: 60_000 }, async () => {
    const ended = work(1);
    const old = open();
    await untilWorkedOn(old, ended, 'before');
    await servers.untilReplicated();
    const frozen = await servers.master();
    await servers.setDownAfter(60_000);
    servers.freeze(frozen);
    // It connects to what will never answer.
    const queue = open({ commandTimeoutMs: 200 });
    const listener = { message: () => undefined, gap: () => undefined };
    await expectUnavailable([async () => queue.channel?.subscribe(listener)]);
    await servers.setDownAfter(500);
    await servers.untilReplaced(frozen);
    await untilWorkedOn(old, ended, 'after');
    const heard = await hear(queue);
    await untilHeard(queue, heard, 'message');
    // It comes back as a master of old times, and is told to be a replica.
    servers.thaw(frozen);
    await untilWorkedOn(old, ended, 'again');
    await untilHeard(queue, heard, 'again');
  });
});
