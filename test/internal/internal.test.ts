import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { AbortedError, BadRequestError, TimeoutError } from '../../src/errors/index.js';
import { abortError, onAbort, raceAbort, throwIfAborted } from '../../src/internal/abort.js';
import { AsyncQueue } from '../../src/internal/async-queue.js';
import { bytesOf } from '../../src/internal/bytes.js';
import { SafeEmitter } from '../../src/internal/safe-emitter.js';
import { sleep } from '../../src/internal/sleep.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { ManualClock } from '../support/manual-clock.js';

describe('AsyncQueue', () => {
  async function drain<Value>(queue: AsyncQueue<Value>): Promise<Value[]> {
    const values: Value[] = [];
    for await (const value of queue) values.push(value);
    return values;
  }

  it('delivers in order what was pushed before its end, and nothing later', async () => {
    const queue = new AsyncQueue<number>();
    const waiting = queue.next();
    queue.push(1);
    queue.push(2);
    queue.push(3);
    queue.end();
    queue.push(4);
    expect(await waiting).toEqual({ done: false, value: 1 });
    expect(queue.size).toBe(2);
    expect(await drain(queue)).toEqual([2, 3]);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('delivers values before a failure, and the failure once', async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.fail(new Error('broken'));
    queue.fail(new Error('again'));
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toThrow('broken');
    expect((await queue.next()).done).toBe(true);
  });

  it('settles all who wait', async () => {
    const failing = new AsyncQueue<number>();
    const waiting = [failing.next(), failing.next()];
    failing.fail(new Error('broken'));
    await expect(waiting[0]).rejects.toThrow('broken');
    expect((await waiting[1])?.done).toBe(true);
    const ending = new AsyncQueue<undefined>();
    const last = ending.next();
    ending.push(undefined);
    expect(await last).toEqual({ done: false, value: undefined });
  });

  it('drops the rest when the consumer leaves', async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.push(2);
    for await (const _value of queue) break;
    queue.push(3);
    expect(await drain(queue)).toEqual([]);
  });
});

describe('bytesOf', () => {
  it('views the bytes of every container, also of another realm', () => {
    const { buffer, view } = runInNewContext(
      '({ buffer: new Uint8Array([1, 2]).buffer, view: new DataView(new ArrayBuffer(4), 1, 2) })',
    );
    expect([...(bytesOf(buffer) ?? [])]).toEqual([1, 2]);
    expect(bytesOf(view)).toMatchObject({ byteOffset: 1, byteLength: 2 });
    const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(7);
    expect([...(bytesOf(shared.buffer) ?? [])]).toEqual([7, 7]);
    const own = new Uint8Array([1, 2, 3]);
    expect(bytesOf(own)).toBe(own);
    for (const other of ['ab', 5, null, undefined, [1], {}]) expect(bytesOf(other)).toBeUndefined();
  });
});

describe('SafeEmitter', () => {
  type Event = { type: 'a'; n: number } | { type: 'b'; n: number };

  it('keeps the order where a listener emits', () => {
    const emitter = new SafeEmitter<Event>(vi.fn());
    const heard: string[] = [];
    emitter.on('a', () => emitter.emit({ type: 'b', n: 1 }));
    emitter.on('a', () => void heard.push('a'));
    emitter.on('b', () => void heard.push('b'));
    emitter.emit({ type: 'a', n: 1 });
    expect(heard).toEqual(['a', 'b']);
  });

  it.each(['on', 'once', 'off'] as const)('%s() refuses what is no function', (method) => {
    const emitter = new SafeEmitter<Event>(vi.fn());
    for (const wrong of [undefined, null, 5])
      expect(() => emitter[method]('a', wrong as never)).toThrow(BadRequestError);
  });

  it('reports what listeners throw or reject with, and goes on', async () => {
    const failed = vi.fn();
    const emitter = new SafeEmitter<Event>(failed);
    const heard = vi.fn();
    emitter.on('a', () => {
      throw new Error('x');
    });
    emitter.on('a', async () => {
      throw new Error('y');
    });
    emitter.on('a', heard);
    emitter.emit({ type: 'a', n: 1 });
    emitter.emit({ type: 'a', n: 2 });
    await Promise.resolve();
    expect(heard).toHaveBeenCalledTimes(2);
    expect(failed).toHaveBeenCalledTimes(4);
  });

  it('takes listeners off, also those of once', () => {
    const emitter = new SafeEmitter<Event>(vi.fn());
    const listener = vi.fn();
    emitter.once('a', listener);
    emitter.off('a', listener);
    emitter.on('a', listener);
    emitter.removeAll();
    emitter.emit({ type: 'a', n: 1 });
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('abort helpers', () => {
  it('pass on errors of ours and wrap other reasons', () => {
    const ours = new TimeoutError('m', { code: 'timeout' });
    expect(abortError(AbortSignal.abort(ours))).toBe(ours);
    const other = new Error('x');
    expect(abortError(AbortSignal.abort(other))).toMatchObject({ code: 'aborted', cause: other });
    expect(() => throwIfAborted(AbortSignal.abort())).toThrow(AbortedError);
    expect(() => throwIfAborted(undefined)).not.toThrow();
  });

  it('onAbort() calls at once where the signal has aborted, and never after it was stopped', () => {
    const listener = vi.fn();
    onAbort(AbortSignal.abort(), listener);
    expect(listener).toHaveBeenCalledOnce();
    const controller = new AbortController();
    onAbort(controller.signal, listener)();
    controller.abort();
    expect(listener).toHaveBeenCalledOnce();
  });

  it('raceAbort() settles with what comes first', async () => {
    const controller = new AbortController();
    expect(await raceAbort(Promise.resolve(5), controller.signal)).toBe(5);
    await expect(raceAbort(Promise.reject(new Error('own')), controller.signal)).rejects.toThrow('own');
    const hanging = raceAbort(new Promise(() => undefined), controller.signal);
    controller.abort();
    await expect(hanging).rejects.toBeInstanceOf(AbortedError);
    await expect(raceAbort(Promise.reject(new Error('late')), controller.signal)).rejects.toBeInstanceOf(
      AbortedError,
    );
  });
});

describe('time', () => {
  it('sleep() waits on the clock and leaves no timer when it is aborted', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const done = vi.fn();
    void sleep(clock, 100, controller.signal).then(done);
    await clock.advance(99);
    expect(done).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(done).toHaveBeenCalledOnce();
    const aborted = sleep(clock, 100, controller.signal);
    controller.abort();
    await expect(aborted).rejects.toBeInstanceOf(AbortedError);
    await expect(sleep(clock, 100, controller.signal)).rejects.toBeInstanceOf(AbortedError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('the system clock waits longer than one timer can', () => {
    vi.useFakeTimers();
    const month = 31 * 24 * 3_600_000;
    const fired = vi.fn();
    const cancelled = vi.fn();
    systemClock.setTimer(fired, month);
    const timer = systemClock.setTimer(cancelled, month);
    vi.advanceTimersByTime(month - 1);
    expect(fired).not.toHaveBeenCalled();
    timer.cancel();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(month);
    expect(cancelled).not.toHaveBeenCalled();
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
