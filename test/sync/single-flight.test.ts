import { describe, expect, it, vi } from 'vitest';
import { AbortedError, TimeoutError } from '../../src/errors/index.js';
import { SingleFlight } from '../../src/sync/single-flight.js';
import { failureOf } from '../support/client.js';

/** A run that ends by hand; like a request, it rejects when it is aborted, a little later. */
function startRuns() {
  const runs: { signal: AbortSignal; resolve(value: string): void; reject(error: Error): void }[] = [];
  const start = (signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      runs.push({ signal, resolve, reject });
      signal.addEventListener('abort', () => {
        const error = new AbortedError('aborted', { code: 'aborted', ambiguous: true, cause: signal.reason });
        setImmediate(() => reject(error));
      });
    });
  return { runs, start };
}

const idle = () => new AbortController().signal;

describe('single flight', () => {
  it('runs once for calls of one key, and for each key', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const calls = ['a', 'a', 'b', 'a'].map((key) => flights.join(key, idle(), start));
    expect(runs).toHaveLength(2);
    runs[0]?.resolve('of a');
    runs[1]?.resolve('of b');
    expect(await Promise.all(calls)).toEqual(['of a', 'of a', 'of b', 'of a']);
  });

  it('runs again after the end, good or bad', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const first = flights.join('a', idle(), start);
    runs[0]?.resolve('one');
    await first;
    const second = flights.join('a', idle(), start);
    runs[1]?.reject(new AbortedError('no', { code: 'aborted' }));
    await failureOf(second);
    const third = flights.join('a', idle(), start);
    runs[2]?.resolve('three');
    expect(await third).toBe('three');
  });

  it('gives a failure to all', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const calls = [1, 2, 3].map(() => failureOf(flights.join('a', idle(), start)));
    const error = new TimeoutError('late', { code: 'timeout' });
    runs[0]?.reject(error);
    expect(await Promise.all(calls)).toEqual([error, error, error]);
  });

  it('lets callers leave one by one; the run goes on for the rest', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const controllers = [1, 2, 3].map(() => new AbortController());
    const calls = controllers.map(({ signal }) => flights.join('a', signal, start));
    for (const index of [0, 2]) {
      controllers[index]?.abort('mine');
      const error = await failureOf(calls[index] as Promise<string>);
      expect(error).toMatchObject({ code: 'aborted', cause: 'mine', ambiguous: false });
    }
    expect(runs[0]?.signal.aborted).toBe(false);
    runs[0]?.resolve('done');
    expect(await calls[1]).toBe('done');
  });

  it('aborts the run with the last caller, who hears how it ended', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = failureOf(flights.join('a', one.signal, start));
    const second = failureOf(flights.join('a', two.signal, start));
    two.abort('second');
    one.abort('first');
    expect(runs[0]?.signal.reason).toBe('first');
    expect(await second).toMatchObject({ cause: 'second', ambiguous: false });
    expect(await first).toMatchObject({ cause: 'first', ambiguous: true });
  });

  it('starts anew for who comes after the last one left, while the old run still ends', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const controller = new AbortController();
    const first = failureOf(flights.join('a', controller.signal, start));
    controller.abort();
    const second = flights.join('a', idle(), start);
    await first;
    const third = flights.join('a', idle(), start);
    expect(runs).toHaveLength(2);
    runs[1]?.resolve('new');
    expect(await Promise.all([second, third])).toEqual(['new', 'new']);
  });

  it('takes who joins before the first one leaves', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    const controller = new AbortController();
    const first = failureOf(flights.join('a', controller.signal, start));
    const second = flights.join('a', idle(), start);
    controller.abort();
    await first;
    expect(runs[0]?.signal.aborted).toBe(false);
    runs[0]?.resolve('kept');
    expect(await second).toBe('kept');
  });

  it('starts nothing for a signal that has aborted, and leaves no listener behind', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = startRuns();
    await failureOf(flights.join('a', AbortSignal.abort(), start));
    expect(runs).toHaveLength(0);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const calls = [flights.join('a', signal, start), flights.join('a', signal, start)];
    runs[0]?.resolve('done');
    await Promise.all(calls);
    await vi.waitFor(() => expect(removed.mock.calls).toHaveLength(added.mock.calls.length));
    expect(added).toHaveBeenCalled();
  });
});
