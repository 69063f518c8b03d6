import { afterEach, describe, expect, it } from 'vitest';
import { BadRequestError } from '../../src/errors/index.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE } from './harness.js';

const open: Harness[] = [];

function harness(options?: HarnessOptions): Harness {
  const created = createHarness(options);
  open.push(created);
  return created;
}

afterEach(async () => {
  for (const { jobs, clock } of open.splice(0)) {
    await jobs.close({ timeoutMs: 0 });
    expect(clock.pendingTimers).toBe(0);
  }
});

/** What is no plain object at all. */
const noOptions = [null, 5, 'x', [], true, new Map()];

function expectRefusal(error: unknown, message: RegExp): void {
  expect(error).toBeInstanceOf(BadRequestError);
  expect(error).toMatchObject({
    code: expect.stringMatching(/^(invalid|unknown)_option$/),
    message: expect.stringMatching(message),
  });
}

/** A call that promises must not throw: a caller's catch() would miss it. */
async function rejection(call: () => Promise<unknown>): Promise<unknown> {
  const promise = call();
  expect(promise).toBeInstanceOf(Promise);
  return promise.then(
    () => expect.fail('the call was accepted'),
    (error: unknown) => error,
  );
}

describe('startWorker()', () => {
  it.each<[unknown, RegExp]>([
    ...noOptions.map((options): [unknown, RegExp] => [options, /startWorker\(\) takes .* plain object/]),
    [{ concurency: 1 }, /'concurency' in startWorker\(\)\. Did you mean concurrency\?/],
    [{ concurrency: null }, /concurrency must be a whole number of 1 or more, and is null/],
    [{ concurrency: '2' }, /concurrency .* is '2'/],
    [{ concurrency: Number.NaN }, /concurrency .* is NaN/],
  ])('refuses %o and starts nothing', (options, message) => {
    const { jobs } = harness({ settings: { autoStart: false } });
    let error: unknown;
    try {
      jobs.startWorker(options as never);
    } catch (thrown) {
      error = thrown;
    }
    expectRefusal(error, message);
    expect(() => jobs.startWorker({})).not.toThrow();
  });
});

describe('close() of a worker', () => {
  it('gives what is running 10 seconds where no time is named', async () => {
    for (const options of [undefined, {}, { timeoutMs: undefined as never }]) {
      const { jobs, call, clock } = harness({ settings: { autoStart: false } });
      const worker = jobs.startWorker();
      await jobs.enqueue(URL_SOURCE);
      const running = await call(0);
      const closed = options === undefined ? worker.close() : worker.close(options);
      await clock.advance(9999);
      expect(running.context.signal.aborted).toBe(false);
      await clock.advance(1);
      expect(running.context.signal.reason).toMatchObject({ code: 'client_closed' });
      await closed;
    }
  });

  it.each<[unknown, RegExp]>([
    ...noOptions.map((options): [unknown, RegExp] => [options, /close\(\) takes .* plain object/]),
    ...['x', -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null].map((timeoutMs): [unknown, RegExp] => [
      { timeoutMs },
      /timeoutMs must be a whole number of 0 or more/,
    ]),
    [{ timeout: 5 }, /'timeout' in close\(\)/],
  ])('refuses %o and goes on', async (options, message) => {
    const { jobs, call } = harness({ settings: { autoStart: false } });
    const worker = jobs.startWorker();
    expectRefusal(await rejection(() => worker.close(options as never)), message);
    const job = await jobs.enqueue(URL_SOURCE);
    (await call(0)).resolve();
    expect(await job.result()).toMatchObject({ id: 'tr_1' });
  });
});

describe('result()', () => {
  it.each<[unknown, RegExp]>([
    ...noOptions.map((options): [unknown, RegExp] => [options, /result\(\) takes .* plain object/]),
    ...['x', {}, new EventTarget(), null].map((signal): [unknown, RegExp] => [
      { signal },
      /signal must be an AbortSignal/,
    ]),
    ...['x', -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null].map((timeoutMs): [unknown, RegExp] => [
      { timeoutMs },
      /timeoutMs must be a whole number of 0 or more/,
    ]),
    [{ timeout_ms: 1 }, /Did you mean timeoutMs\?/],
    [{ foo: 1 }, /'foo' in result\(\)/],
  ])('refuses %o, as a rejection', async (options, message) => {
    const { jobs } = harness({ settings: { autoStart: false } });
    const job = await jobs.enqueue(URL_SOURCE);
    expectRefusal(await rejection(() => job.result(options as never)), message);
  });
});

describe('list()', () => {
  it.each<[unknown, RegExp]>([
    ...noOptions.map((query): [unknown, RegExp] => [query, /jobs\.list\(\) takes .* plain object/]),
    [{ userid: 'alice' }, /'userid' in jobs\.list\(\)\. Did you mean userId\?/],
    [{ status: 'failed' }, /'status' in jobs\.list\(\)/],
    ...['weird', '', 5, null, 'constructor'].map((state): [unknown, RegExp] => [
      { state },
      /state must be one of queued, active, completed, failed, cancelled/,
    ]),
    ...[5, '', null].map((userId): [unknown, RegExp] => [{ userId }, /userId must be a string/]),
    ...[0, 1001, 1.5, '5', null].map((limit): [unknown, RegExp] => [
      { limit },
      /limit must be a whole number from 1 to 1000/,
    ]),
    ...[5, '', null].map((cursor): [unknown, RegExp] => [{ cursor }, /cursor must be a string/]),
  ])('refuses %o, as a rejection', async (query, message) => {
    const { jobs } = harness({ settings: { autoStart: false } });
    await jobs.enqueue(URL_SOURCE, { userId: 'bob' });
    expectRefusal(await rejection(() => jobs.list(query as never)), message);
  });

  it('takes every state, and fields that are undefined', async () => {
    const { jobs } = harness({ settings: { autoStart: false } });
    await jobs.enqueue(URL_SOURCE);
    for (const state of ['active', 'completed', 'failed', 'cancelled'] as const) {
      expect((await jobs.list({ state })).items).toEqual([]);
    }
    expect((await jobs.list({ state: 'queued' })).items).toHaveLength(1);
    expect((await jobs.list({ state: undefined, limit: undefined } as never)).items).toHaveLength(1);
  });
});
