import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { entry, recorder, redisRig, until } from './bullmq-rig.js';

const rig = redisRig();

/** The URL of a user with all rights but some. */
async function userWith(name: string, ...rules: readonly string[]): Promise<string> {
  const { client, port } = rig.server;
  await client.call('ACL', 'SETUSER', name, 'reset', 'on', '>canary', '~*', '&*', '+@all', ...rules);
  return `redis://${name}:canary@127.0.0.1:${port}`;
}

describe('a user', () => {
  it.each([
    ['a command', ['-evalsha', '-eval']],
    ['a command within a script', ['-xadd', '-zadd']],
    ['keys', ['resetkeys', '~other:*']],
  ])('without the rights to %s is told so', async (what, rules) => {
    const connection = await userWith(`without-${what.replaceAll(' ', '-')}`, ...rules);
    const error = await failureOf(rig.queue({ name: rig.name(), connection }).add([entry('a')]));
    expect(error).toMatchObject({ name: 'QueueError', code: 'queue_misconfigured' });
    expect(error.message).toContain('rights');
  });

  it('who may not listen hears of a cancel nevertheless, and is told once', { timeout: 20_000 }, async () => {
    const name = rig.name();
    const queue = rig.queue({ name, connection: await userWith('deaf', 'resetchannels') });
    const { handler, options, run, errors } = recorder();
    queue.startWorker(handler, options(2));
    const other = rig.queue({ name });
    for (const [index, id] of ['a', 'b'].entries()) {
      await other.add([entry(id)]);
      const { signal, end } = await run(index);
      expect(await other.cancel(id)).toBe(true);
      await until(() => signal.aborted);
      end();
    }
    expect(errors).toEqual([expect.objectContaining({ code: 'queue_misconfigured' })]);
    expect(String(errors[0])).toMatch(/channels/);
    const problems = (await queue.health?.()) ?? [];
    expect(problems.map(({ code }) => code)).toContain('redis_channels');
    // It listens as soon as it may.
    await rig.server.client.call('ACL', 'SETUSER', 'deaf', 'allchannels');
    await until(async () => !(await queue.health?.())?.some(({ code }) => code === 'redis_channels'));
    expect(errors.length).toBe(1);
  });
});
