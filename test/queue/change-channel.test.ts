import { describe, expect, it } from 'vitest';
import type { QueueChannel } from '../../src/contracts/queue.js';
import { ChangeChannel } from '../../src/queue/change-channel.js';
import { ManualClock } from '../support/manual-clock.js';

/** A channel whose messages go when the test says so. */
function createChannel() {
  const clock = new ManualClock();
  const sent: number[] = [];
  const answers: (() => void)[] = [];
  let [underWay, most] = [0, 0];
  const channel: QueueChannel = {
    publish: async (text) => {
      sent.push((JSON.parse(text) as { changes: unknown[] }).changes.length);
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise<void>((resolve) => answers.push(resolve));
      underWay -= 1;
    },
    subscribe: async () => () => undefined,
  };
  const changes = new ChangeChannel(channel, clock, { changed: () => undefined, gap: () => undefined });
  const send = (count: number) => {
    for (let index = 0; index < count; index += 1) changes.send({ jobId: `job_${index}`, version: 1 });
  };
  const answer = async () => {
    answers.shift()?.();
    await clock.advance(0);
  };
  return { clock, sent, changes, send, answer, most: () => most, waiting: () => answers.length };
}

describe('changes that are told to other processes', () => {
  it('are one message, which is sent after a moment', async () => {
    const rig = createChannel();
    rig.send(3);
    expect(rig.sent).toEqual([]);
    await rig.clock.advance(20);
    expect(rig.sent).toEqual([3]);
    await rig.answer();
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('wait while a message is under way, and are then gathered again', async () => {
    const rig = createChannel();
    rig.send(1);
    await rig.clock.advance(20);
    for (let round = 0; round < 50; round += 1) {
      rig.send(1);
      await rig.clock.advance(20);
    }
    expect(rig.sent).toEqual([1]);
    await rig.answer();
    await rig.clock.advance(20);
    expect(rig.sent).toEqual([1, 50]);
    expect(rig.most()).toBe(1);
  });

  it('do not pile up without end while no message gets through, and go again afterwards', async () => {
    const rig = createChannel();
    for (let round = 0; round < 30; round += 1) {
      rig.send(1000);
      await rig.clock.advance(20);
    }
    expect(rig.sent).toEqual([500]);
    while (rig.waiting() > 0) await rig.answer();
    await rig.clock.advance(20);
    const told = rig.sent.reduce((sum, count) => sum + count, 0);
    expect(told).toBeGreaterThanOrEqual(10_000);
    expect(told).toBeLessThanOrEqual(11_000);
    while (rig.waiting() > 0) await rig.answer();
    rig.send(7);
    await rig.clock.advance(20);
    expect(rig.sent.at(-1)).toBe(7);
    expect(rig.most()).toBe(1);
  });

  it('are all sent by a close, which waits for them', async () => {
    const rig = createChannel();
    rig.send(600);
    await rig.clock.advance(20);
    rig.send(1);
    let isClosed = false;
    const closed = rig.changes.close().then(() => {
      isClosed = true;
    });
    await rig.answer();
    expect(isClosed).toBe(false);
    await rig.answer();
    await closed;
    expect(rig.sent).toEqual([500, 101]);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('let a close end at once where there are none', async () => {
    const rig = createChannel();
    await rig.changes.close();
    expect(rig.sent).toEqual([]);
  });
});
