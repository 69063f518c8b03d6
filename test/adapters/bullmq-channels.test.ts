import { describe, expect, it } from 'vitest';
import { entry, recorder, redisRig, until } from './bullmq-rig.js';

const rig = redisRig();

describe('a channel', () => {
  it('and a cancel stay in their database', async () => {
    const name = rig.name();
    const [one, two] = [1, 2].map((db) => rig.queue({ name, connection: `${rig.server.url}/${db}` }));
    const [first, second] = [recorder(), recorder()];
    one?.startWorker(first.handler, first.options(1));
    two?.startWorker(second.handler, second.options(1));
    const heard: string[] = [];
    for (const [db, queue] of [one, two].entries())
      await queue?.channel?.subscribe({
        message: (text) => heard.push(`${db} ${text}`),
        gap: () => undefined,
      });
    for (const queue of [one, two]) await queue?.add([entry('a')]);
    const [ofOne, ofTwo] = [await first.run(0), await second.run(0)];
    const canceller = rig.queue({ name, connection: `${rig.server.url}/1` });
    expect(await canceller.cancel('a')).toBe(true);
    await until(() => ofOne.signal.aborted);
    await one?.channel?.publish('for 0');
    // Redis hands on messages in their order: what comes after this was not for the other one.
    await two?.channel?.publish('for 1');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['0 for 0', '1 for 1']);
    expect(ofTwo.signal.aborted).toBe(false);
    for (const { end } of [ofOne, ofTwo]) end();
  });

  it('counts a listener twice that is handed in twice', async () => {
    const queue = rig.queue({ name: rig.name() });
    const heard: string[] = [];
    const listener = { message: (text: string) => void heard.push(text), gap: () => undefined };
    const stop = await queue.channel?.subscribe(listener);
    await queue.channel?.subscribe(listener);
    await queue.channel?.publish('both');
    await until(() => heard.length === 2);
    stop?.();
    stop?.();
    await queue.channel?.publish('one');
    await queue.channel?.publish('end');
    await until(() => heard.includes('end'));
    expect(heard).toEqual(['both', 'both', 'one', 'end']);
  });
});
