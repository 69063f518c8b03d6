import { afterEach, describe, expect, it } from 'vitest';
import { createBullmqQueue } from '../../src/adapters/bullmq/index.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';

let redis: RedisServer | undefined;

afterEach(() => redis?.close());

describe('many callers of a BullMQ queue at once', () => {
  it('make no warning of too many listeners, before the first connection and in an outage', async () => {
    const warnings: string[] = [];
    const listener = (warning: Error): void => void warnings.push(String(warning));
    process.on('warning', listener);
    redis = await startRedis({ appendonly: 'yes' });
    const queue = createBullmqQueue({ connection: redis.url });
    const add = (name: string) =>
      Promise.allSettled(
        Array.from({ length: 40 }, (_, index) =>
          queue.add([{ id: `${name}${index}`, priority: 0, delayMs: 0 }]),
        ),
      );
    const first = await add('a');
    expect(first.every(({ status }) => status === 'fulfilled')).toBe(true);
    await redis.crash();
    const second = await add('b');
    expect(second.every(({ status }) => status === 'rejected')).toBe(true);
    // Node tells of it in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    expect(warnings).toEqual([]);
    await queue.close();
  });
});
