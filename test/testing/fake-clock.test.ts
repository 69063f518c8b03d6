import { createFakeClock } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';

describe('the fake clock', () => {
  it('stands still until it is moved', async () => {
    const clock = createFakeClock({ wallStartMs: 1000 });
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([0, 1000]);
    await clock.advance(250);
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([250, 1250]);
  });

  it('fires each timer at its own time and in order, also those set on the way', async () => {
    const clock = createFakeClock();
    const fired: [string, number][] = [];
    const note = (name: string) => () => void fired.push([name, clock.monotonicMs()]);
    clock.setTimer(note('late'), 30);
    clock.setTimer(note('first of two'), 10);
    clock.setTimer(note('second of two'), 10);
    clock.setTimer(() => void Promise.resolve().then(() => clock.setTimer(note('nested'), 10)), 10);
    clock.setTimer(note('beyond'), 101);
    await clock.advance(100);
    expect(fired).toEqual([
      ['first of two', 10],
      ['second of two', 10],
      ['nested', 20],
      ['late', 30],
    ]);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1);
    expect(fired.at(-1)).toEqual(['beyond', 101]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not fire a cancelled timer', async () => {
    const clock = createFakeClock();
    const fired: string[] = [];
    const timer = clock.setTimer(() => void fired.push('cancelled'), 10);
    clock.setTimer(() => void fired.push('kept'), 10);
    timer.cancel();
    timer.cancel();
    await clock.advance(10);
    expect(fired).toEqual(['kept']);
  });

  it.each([-5, Number.NaN])('fires a timer of %d milliseconds at once, as the system does', async (ms) => {
    const clock = createFakeClock();
    let fired = 0;
    clock.setTimer(() => fired++, ms);
    await clock.advance(0);
    expect([fired, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('lets promises settle between two timers', async () => {
    const clock = createFakeClock();
    const times: number[] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimer(resolve, ms));
    const loop = (async () => {
      for (let round = 0; round < 5; round++) {
        await sleep(10);
        times.push(clock.monotonicMs());
      }
    })();
    await clock.advance(50);
    await loop;
    expect(times).toEqual([10, 20, 30, 40, 50]);
  });

  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('moves the wall clock %s without the monotonic one and the timers', async (_way, ms) => {
    const clock = createFakeClock();
    let fired = 0;
    clock.setTimer(() => fired++, 100);
    await clock.advance(40);
    const wall = clock.wallMs() + ms;
    clock.setWall(wall);
    expect(clock.wallMs()).toBe(wall);
    expect(clock.monotonicMs()).toBe(40);
    await clock.advance(59);
    expect(fired).toBe(0);
    await clock.advance(1);
    expect(fired).toBe(1);
    expect(clock.wallMs()).toBe(wall + 60);
  });

  it('never goes back when two moves overlap', async () => {
    const clock = createFakeClock();
    let short: Promise<void> | undefined;
    clock.setTimer(() => {
      short = clock.advance(5);
    }, 10);
    await clock.advance(100);
    await short;
    expect(clock.monotonicMs()).toBe(100);
  });

  it('refuses wrong arguments', async () => {
    expect(() => createFakeClock({ wallStart: 5 } as object)).toThrow(/wallStart/);
    expect(() => createFakeClock({ wallStartMs: Number.NaN })).toThrow(RangeError);
    const clock = createFakeClock();
    expect(() => clock.setWall(Number.NaN)).toThrow(RangeError);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    expect(clock.monotonicMs()).toBe(0);
  });
});
