import { AbortedError } from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildScript, type Script } from '../support/script-process.js';
import { entries, entry, recorder, redisRig, sleep, until } from './bullmq-rig.js';

const rig = redisRig();
const LOCAL_MS = 50;
const ACROSS_MS = 500;

let script: Script;

beforeAll(async () => {
  script = await buildScript(new URL('./bullmq-child.ts', import.meta.url));
}, 60_000);

afterAll(() => script.dispose());

describe('a cancel of a running entry', () => {
  it('in the same process aborts it at once', async () => {
    const queue = rig.queue({ name: rig.name() });
    const { handler, options, run, runs } = recorder();
    queue.startWorker(handler, options(100));
    await queue.add(entries(100));
    await run(99);
    const times: number[] = [];
    for (const { id, signal, end } of [...runs]) {
      const startedAt = performance.now();
      const cancelling = queue.cancel(id);
      await until(() => signal.aborted);
      times.push(performance.now() - startedAt);
      expect(await cancelling).toBe(true);
      expect(signal.reason).toBeInstanceOf(AbortedError);
      expect(signal.reason).toMatchObject({ code: 'job_cancelled' });
      // It says false from then on, and what comes of the run is of no concern.
      expect(await queue.cancel(id)).toBe(false);
      end({ type: 'again', delayMs: 0 });
    }
    expect(times.sort((a, b) => a - b)[98]).toBeLessThan(LOCAL_MS);
    await until(async () => (await queue.depth()).active === 0);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
    expect(runs.length).toBe(100);
  });

  it('in another process reaches it in time', { timeout: 60_000 }, async () => {
    const name = rig.name();
    const queue = rig.queue({ name });
    const child = script.start(rig.server.url, name);
    await queue.add(entries(20));
    for (const { id } of entries(20)) await child.printed(`begun ${id}`);
    for (const { id } of entries(20)) {
      const startedAt = performance.now();
      expect(await queue.cancel(id)).toBe(true);
      await child.printed(`aborted ${id} job_cancelled`);
      expect(performance.now() - startedAt).toBeLessThan(ACROSS_MS);
    }
    await until(async () => (await queue.depth()).active === 0);
    // A process whose queue is closed ends by itself.
    await queue.add([entry('last')]);
    await child.printed('begun last');
    child.tell('close');
    await child.printed('closed');
    const closedAt = performance.now();
    const lines = await child.finished();
    expect(performance.now() - closedAt).toBeLessThan(1000);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(await queue.depth()).toEqual({ waiting: 1, delayed: 0, active: 0 });
  });

  it('that the worker does not hear still ends it', { timeout: 30_000 }, async () => {
    const name = rig.name();
    const proxy = await rig.proxy();
    const queue = rig.queue({ connection: proxy.url, name });
    const other = rig.queue({ name });
    const { handler, options, run, runs } = recorder();
    queue.startWorker(handler, options(2));
    await queue.add(entries(2));
    const [heard, unheard] = [await run(0), await run(1)];
    // It is cut off while both are cancelled. One of them ends meanwhile, to be run again.
    proxy.set({ refuse: true });
    proxy.reset();
    await sleep(50);
    for (const { id } of runs) expect(await other.cancel(id)).toBe(true);
    unheard.end({ type: 'again', delayMs: 0 });
    proxy.heal();
    await until(() => heard.signal.aborted);
    expect(heard.signal.reason).toMatchObject({ code: 'job_cancelled' });
    heard.end({ type: 'again', delayMs: 0 });
    await until(async () => {
      const { waiting, active } = await other.depth();
      return waiting + active === 0;
    });
    expect(runs.length).toBe(2);
  });
});

describe('a channel', () => {
  it('tells of a gap after its connection broke, and goes on', async () => {
    const name = rig.name();
    const proxy = await rig.proxy();
    const queue = rig.queue({ connection: proxy.url, name });
    const other = rig.queue({ name });
    const heard: string[] = [];
    await queue.channel?.subscribe({ message: (text) => heard.push(text), gap: () => heard.push('GAP') });
    await other.channel?.publish('before');
    await until(() => heard.length === 1);
    proxy.reset();
    await until(() => heard.includes('GAP'));
    await other.channel?.publish('after');
    await until(() => heard.includes('after'));
    expect(heard).toEqual(['before', 'GAP', 'after']);
  });
});
