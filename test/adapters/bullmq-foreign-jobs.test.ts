import type { EntryOutcome } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { shown } from '../support/leaks.js';
import { DONE, entries, entry, redisRig, sleep, until } from './bullmq-rig.js';

const rig = redisRig();

/** What would have ended the process. */
async function rejectionsWhile(body: () => Promise<void>): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  const listener = (error: unknown): void => void found.push(error);
  process.on('unhandledRejection', listener);
  try {
    await body();
    await sleep(20);
  } finally {
    process.off('unhandledRejection', listener);
  }
  return found;
}

describe('a job that somebody else has put into the queue', () => {
  it.each([
    ['null', null],
    ['without an id', { canary: 1 }],
    ['with an id that is no text', { id: 7, priority: 0 }],
    ['without a priority', { id: 'canary' }],
    ['a text', 'canary'],
  ])('is told of and taken out: %s', async (_what, data) => {
    const name = rig.name();
    const queue = rig.queue({ name });
    const { Queue } = await import('bullmq');
    const foreign = new Queue(name, { connection: { url: rig.server.url } as never });
    await foreign.add('x', data);
    await foreign.close();
    const ran: string[] = [];
    const errors: unknown[] = [];
    const rejections = await rejectionsWhile(async () => {
      queue.startWorker(
        async ({ id }) => {
          ran.push(id);
          return DONE;
        },
        { concurrency: 1, onError: (error) => errors.push(error) },
      );
      await queue.add(entries(3));
      await until(() => ran.length === 3);
    });
    expect(rejections).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ name: 'QueueError', code: 'queue_failed' })]);
    expect(shown(errors)).not.toContain('canary');
    await until(async () => (await queue.depth()).active === 0);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('whose data is no JSON is taken out as well', async () => {
    const name = rig.name();
    const queue = rig.queue({ name });
    await queue.add([entry('broken'), entry('whole')]);
    await rig.server.client.hset(`bull:${name}:e_broken`, 'data', '{"id":');
    expect(await queue.cancel('nobody')).toBe(false);
    const ran: string[] = [];
    const errors: unknown[] = [];
    queue.startWorker(
      async ({ id }) => {
        ran.push(id);
        return DONE;
      },
      { concurrency: 1, onError: (error) => errors.push(error) },
    );
    await until(() => ran.length === 1);
    expect({ ran, errors: errors.length }).toEqual({ ran: ['whole'], errors: 1 });
  });
});

describe('a handler', () => {
  it.each([undefined, null, 'again', {}])('that resolves to %j has done its entry', async (outcome) => {
    const queue = rig.queue({ name: rig.name() });
    const ran: string[] = [];
    const rejections = await rejectionsWhile(async () => {
      queue.startWorker(
        async ({ id }) => {
          ran.push(id);
          return outcome as unknown as EntryOutcome;
        },
        { concurrency: 1, onError: (error) => expect.fail(String(error)) },
      );
      await queue.add(entries(3));
      await until(async () => ran.length >= 3 && (await queue.depth()).active === 0);
    });
    expect(rejections).toEqual([]);
    expect(ran).toEqual(['e0', 'e1', 'e2']);
    expect(await queue.depth()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('and a listener that throw keep no place', async () => {
    const queue = rig.queue({ name: rig.name() });
    const ran: string[] = [];
    const rejections = await rejectionsWhile(async () => {
      queue.startWorker(
        async ({ id }) => {
          ran.push(id);
          throw new Error('It failed.');
        },
        {
          concurrency: 1,
          onError() {
            throw new Error('It failed, too.');
          },
        },
      );
      await queue.add(entries(3));
      await until(async () => ran.length === 3 && (await queue.depth()).active === 0);
    });
    expect(rejections).toEqual([]);
  });
});
