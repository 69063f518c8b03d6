import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EventReader } from './event-reader.js';
import { handRig, turns } from './hand-job.js';
import { bearer, ORIGIN } from './rig.js';

describe('a reader', () => {
  it('gets a sign of life as often as it is set', async () => {
    const { clock, job, follow } = handRig({ heartbeatMs: 5000 });
    const reader = new EventReader(await follow());
    await reader.next();
    for (let beat = 0; beat < 3; beat += 1) {
      const reading = reader.next();
      await clock.advance(4999);
      const early = await Promise.race([reading, turns().then(() => 'nothing')]);
      expect(early).toBe('nothing');
      await clock.advance(1);
      expect(await reading).toEqual({ comment: expect.any(String) });
    }
    job.progress(1);
    expect(await reader.next()).toMatchObject({ event: 'progress' });
    await reader.cancel();
  });

  it.each(['cancels the body', 'aborts its request'])(
    'that %s leaves nothing behind, at once',
    async (how) => {
      const { clock, job, follow } = handRig();
      const leaving = new AbortController();
      const response = await follow({ signal: leaving.signal });
      const reader = new EventReader(response);
      await reader.next();
      const reading = reader.next().catch(() => undefined);
      await turns();
      expect(job.followers).toBe(1);
      if (how === 'cancels the body') await reader.cancel();
      else leaving.abort();
      expect(job.followers).toBe(0);
      expect(clock.pendingTimers).toBe(0);
      expect(await reading).toBeUndefined();
    },
  );

  it('that has gone does not hear of the end of its request', async () => {
    const { job, handlers } = handRig();
    const request = new Request(`${ORIGIN}/jobs/job_hand/events`, { headers: bearer('ada') });
    const before = getEventListeners(request.signal, 'abort').length;
    const response = await handlers.fetch(request);
    expect(getEventListeners(request.signal, 'abort')).toHaveLength(before + 1);
    await response.body?.cancel();
    expect(getEventListeners(request.signal, 'abort')).toHaveLength(before);
    expect(job.followers).toBe(0);
  });

  it('that has gone before the answer, or only asks for the headers, leaves nothing behind', async () => {
    const { clock, job, follow } = handRig({ limits: { maxEventStreams: 1 } });
    const leaving = new AbortController();
    leaving.abort();
    expect((await follow({ signal: leaving.signal })).status).toBe(499);
    const head = await follow({ method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    await turns();
    expect(job.followers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    expect((await follow({ method: 'HEAD' })).status).toBe(200);
  });

  it('that reads slowly gets the last progress only, and each state', async () => {
    const { job, follow } = handRig();
    const reader = new EventReader(await follow());
    for (let round = 1; round <= 3; round += 1) {
      job.say({ type: 'active', status: job.active(round) });
      for (let step = 0; step < 1000; step += 1) job.progress(step);
    }
    await turns(50);
    expect(job.events_).toEqual([]);
    const blocks = [
      await reader.nextEvent(),
      await reader.nextEvent(),
      await reader.nextEvent(),
      await reader.nextEvent(),
    ];
    expect(blocks.map((block) => block?.event)).toEqual(['active', 'active', 'active', 'progress']);
    expect(blocks.at(-1)?.data).toMatchObject({ progress: { sentBytes: 999 } });
    await reader.cancel();
  });

  it('that reads nothing holds no more than the last hundred states', async () => {
    const { job, follow } = handRig();
    const reader = new EventReader(await follow());
    for (let round = 1; round <= 500; round += 1) job.say({ type: 'active', status: job.active(round) });
    await turns(50);
    const attempts: (number | undefined)[] = [];
    for (let count = 0; count < 100; count += 1)
      attempts.push((await reader.nextEvent())?.data?.status.attempts);
    expect(attempts).toEqual(Array.from({ length: 100 }, (_, index) => 401 + index));
    await reader.cancel();
  });

  it('that reads now and then is not gone', async () => {
    const { clock, job, follow } = handRig({ heartbeatMs: 1000 });
    const reader = new EventReader(await follow());
    for (let round = 1; round <= 4; round += 1) {
      job.say({ type: 'active', status: job.active(round) });
      await clock.advance(4000);
      expect((await reader.nextEvent())?.data?.status.attempts).toBe(round);
    }
    await reader.cancel();
  });

  it('that reads nothing for five heartbeats counts as gone', async () => {
    const { clock, job, follow } = handRig({ heartbeatMs: 1000, limits: { maxEventStreams: 1 } });
    const response = await follow();
    await clock.advance(4999);
    expect(job.followers).toBe(1);
    expect((await follow()).status).toBe(503);
    await clock.advance(1);
    expect(job.followers).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    await expect(new EventReader(response).next()).rejects.toThrow('gone');
    expect((await follow({ method: 'HEAD' })).status).toBe(200);
  });
});
