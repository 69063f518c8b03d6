import {
  createMemoryStorage,
  type RecordInput,
  type StorageAdapter,
  StorageError,
  type StoredRecord,
  type WriteCondition,
} from 'transcription-client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  AUDIO,
  eventsOf,
  HOUR_MS,
  KEY,
  keyedRigs,
  MINUTE_MS,
  newClient,
  OTHER,
  ok,
  server,
} from './keyed-rig.js';

keyedRigs();

describe('clients that share a storage', () => {
  let storage: StorageAdapter;
  let clock: ManualClock;

  beforeEach(() => {
    storage = createMemoryStorage();
    clock = new ManualClock();
  });

  async function claimed(): Promise<StoredRecord> {
    return vi.waitFor(async () => {
      const [record] = (await storage.list('idempotency', {})).items;
      if (record === undefined) throw new Error('There is no claim yet.');
      return record;
    });
  }

  /** Moves the clock in steps, as time passes: the network needs turns of the event loop. */
  async function pass(ms: number, stepMs = 1000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) await clock.advance(stepMs);
  }

  it('the second waits for the first, also for long, and gets its transcript', async () => {
    const [one, two] = [newClient({ storage, clock }), newClient({ storage, clock })];
    const shared = eventsOf(two, 'deduplicated');
    server.reply = undefined;
    const first = one.transcribe(AUDIO, KEY);
    await vi.waitFor(() => expect(server.read).toBe(1));
    const second = two.transcribe(AUDIO, KEY);
    const other = failureOf(two.transcribe(OTHER, KEY));
    // Far longer than a lease: it is renewed.
    await pass(5 * MINUTE_MS);
    server.answer();
    const transcript = await first;
    await pass(3000);
    expect(await second).toEqual(transcript);
    expect((await other).code).toBe('idempotency_conflict');
    expect(server.requests).toHaveLength(1);
    expect(shared).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('the second sends where the first fails', async () => {
    const [one, two] = [newClient({ storage, clock }), newClient({ storage, clock })];
    server.reply = undefined;
    const first = failureOf(one.transcribe(AUDIO, KEY));
    await vi.waitFor(() => expect(server.read).toBe(1));
    const second = two.transcribe(AUDIO, KEY);
    await pass(3000);
    server.reply = ok;
    server.answer({ status: 401 });
    await first;
    await pass(3000);
    expect((await second).text).toBe('answer 2');
  });

  it('only one of many takes over where the first fails', async () => {
    const all = Array.from({ length: 6 }, () => newClient({ storage, clock }));
    server.reply = undefined;
    const [first, ...others] = all.map((client) => client.transcribe(AUDIO, KEY));
    const failure = failureOf(first as Promise<unknown>);
    await vi.waitFor(() => expect(server.read).toBe(1));
    await pass(50_000);
    server.answer({ status: 401 });
    // Whichever claimed first fails, and one of the others goes on. It is new: the old lease is not its own.
    await pass(3000);
    await vi.waitFor(() => expect(server.read).toBe(2));
    await pass(50_000);
    expect(server.requests).toHaveLength(2);
    server.answer();
    const settled = Promise.allSettled([failure, ...others]);
    await vi.waitFor(async () => expect((await claimed()).status).toBe('completed'));
    await pass(3000);
    await settled;
    expect(server.requests).toHaveLength(2);
  });

  async function leaveDeadClaim(): Promise<void> {
    // A process that dies writes nothing more: its client gets a storage that stops taking writes.
    let isDead = false;
    const dying: StorageAdapter = {
      ...storage,
      put: (record, condition) => (isDead ? new Promise(() => undefined) : storage.put(record, condition)),
      delete: (...args) => (isDead ? new Promise(() => undefined) : storage.delete(...args)),
    };
    server.reply = undefined;
    const client = newClient({ storage: dying });
    const controller = new AbortController();
    const call = failureOf(client.transcribe(AUDIO, { ...KEY, signal: controller.signal }));
    await vi.waitFor(() => expect(server.read).toBe(1));
    isDead = true;
    controller.abort();
    await call;
    expect((await claimed()).status).toBe('running');
    server.reply = ok;
  }

  it('the second takes over after the lease of a first that died, by its own monotonic clock', async () => {
    await leaveDeadClaim();
    const client = newClient({ storage, clock });
    const call = client.transcribe(AUDIO, KEY);
    const { leaseMs } = (await claimed()).data as { leaseMs: number };
    await pass(leaseMs / 2);
    clock.setWall(clock.wallMs() + HOUR_MS);
    await pass(leaseMs / 2 - 3000);
    clock.setWall(clock.wallMs() - 2 * HOUR_MS);
    expect(server.requests).toHaveLength(1);
    await pass(9000);
    expect((await call).text).toBe('answer 2');
    expect((await claimed()).status).toBe('completed');
    expect(server.requests).toHaveLength(2);
  });

  it('calls that give up early add up to a lease', async () => {
    await leaveDeadClaim();
    const client = newClient({ storage, clock });
    let outcome: unknown;
    for (let count = 0; count < 20 && outcome === undefined; count += 1) {
      const call = client.transcribe(AUDIO, { ...KEY, timeoutMs: 5000 });
      call.then(
        (transcript) => {
          outcome = transcript;
        },
        () => undefined,
      );
      await pass(5000);
      await vi.waitFor(() => expect(outcome !== undefined || clock.pendingTimers === 0).toBe(true));
    }
    expect(outcome).toMatchObject({ text: 'answer 2' });
  });

  it('a claim that nobody watched is free after 24 hours', async () => {
    await leaveDeadClaim();
    const late = new ManualClock(Date.now() + 25 * HOUR_MS);
    const client = newClient({ storage, clock: late });
    expect((await client.transcribe(AUDIO, KEY)).text).toBe('answer 2');
  });

  it('a jump of the monotonic clock takes nothing from an owner that lives', async () => {
    const [one, two] = [
      newClient({ storage, clock }),
      newClient({ storage, clock: new JumpingClock(clock) }),
    ];
    server.reply = undefined;
    const first = one.transcribe(AUDIO, KEY);
    await vi.waitFor(() => expect(server.read).toBe(1));
    const second = two.transcribe(AUDIO, KEY);
    await pass(5000);
    JumpingClock.jumpMs = HOUR_MS;
    await pass(5000);
    JumpingClock.jumpMs = 0;
    server.answer();
    const { id } = await first;
    await pass(3000);
    expect((await second).id).toBe(id);
    expect(server.requests).toHaveLength(1);
  });
});

/** Shows another time than the clock that its timers run on. */
class JumpingClock extends ManualClock {
  static jumpMs = 0;
  readonly #real: ManualClock;

  constructor(real: ManualClock) {
    super();
    this.#real = real;
  }

  override monotonicMs(): number {
    return this.#real.monotonicMs() + JumpingClock.jumpMs;
  }

  override wallMs(): number {
    return this.#real.wallMs();
  }

  override setTimer(callback: () => void, delayMs: number) {
    return this.#real.setTimer(callback, delayMs);
  }
}

describe('a storage that fails', () => {
  const broken = (): Promise<never> => Promise.reject(new Error('the disk is full'));
  const hang = (): Promise<never> => new Promise(() => undefined);

  it.each(['get', 'put'] as const)('before the call, in %s: nothing is sent', async (method) => {
    const storage = createMemoryStorage();
    const client = newClient({ storage: { ...storage, [method]: broken } });
    const failures = eventsOf(client, 'storage-failure');
    const error = await failureOf(client.transcribe(AUDIO, KEY));
    expect(error).toBeInstanceOf(StorageError);
    expect(server.requests).toHaveLength(0);
    expect(failures[0]).toMatchObject({ operation: method, collection: 'idempotency' });
  });

  it('before the call, reading the transcript: nothing is sent', async () => {
    const storage = createMemoryStorage();
    let isBroken = false;
    const get: StorageAdapter['get'] = (collection, id) =>
      isBroken && collection === 'transcripts' ? broken() : storage.get(collection, id);
    const client = newClient({ storage: { ...storage, get } });
    await client.transcribe(AUDIO, KEY);
    isBroken = true;
    expect(await failureOf(client.transcribe(AUDIO, KEY))).toBeInstanceOf(StorageError);
    expect(server.requests).toHaveLength(1);
  });

  it('after the call: the transcript is there, and an event', async () => {
    const storage = createMemoryStorage();
    const put: StorageAdapter['put'] = (record, condition) =>
      record.collection === 'idempotency' && record.status === 'completed'
        ? broken()
        : storage.put(record, condition);
    const client = newClient({ storage: { ...storage, put } });
    const failures = eventsOf(client, 'storage-failure');
    expect((await client.transcribe(AUDIO, KEY)).text).toBe('answer 1');
    expect(failures).toMatchObject([{ operation: 'put', collection: 'idempotency' }]);
  });

  function failing(fails: () => boolean): { readonly storage: StorageAdapter; completions: number } {
    const memory = createMemoryStorage();
    const counted = {
      completions: 0,
      storage: {
        ...memory,
        put(record: RecordInput, condition?: WriteCondition) {
          if (record.collection !== 'idempotency' || record.status !== 'completed') {
            return memory.put(record, condition);
          }
          counted.completions += 1;
          return fails() ? broken() : memory.put(record, condition);
        },
      },
    };
    return counted;
  }

  it('after the call, once: the write is repeated, and the next call pays nothing', async () => {
    const clock = new ManualClock();
    const flaky = failing(() => flaky.completions === 1);
    const client = newClient({ storage: flaky.storage, clock });
    const { id } = await client.transcribe(AUDIO, KEY);
    expect(flaky.completions).toBe(1);
    await clock.advance(1000);
    await vi.waitFor(() => expect(flaky.completions).toBe(2));
    const again = newClient({ storage: flaky.storage, clock });
    expect((await again.transcribe(AUDIO, KEY)).id).toBe(id);
    expect((await failureOf(again.transcribe(OTHER, KEY))).code).toBe('idempotency_conflict');
    expect(server.requests).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('after the call, for good: whoever takes over after the lease finds the transcript', async () => {
    const clock = new ManualClock();
    let isBroken = true;
    const flaky = failing(() => isBroken);
    const { id } = await newClient({ storage: flaky.storage }).transcribe(AUDIO, KEY);
    const client = newClient({ storage: flaky.storage, clock });
    const call = client.transcribe(AUDIO, KEY);
    isBroken = false;
    for (let passed = 0; passed < 70_000; passed += 1000) await clock.advance(1000);
    expect((await call).id).toBe(id);
    // At once: the key is not that of a dead process any more.
    expect((await client.transcribe(AUDIO, KEY)).id).toBe(id);
    expect(server.requests).toHaveLength(1);
  });

  it('after the call, until the client is closed: one last attempt, and nobody waits for more', async () => {
    const clock = new ManualClock();
    let isBroken = true;
    const flaky = failing(() => isBroken);
    for (const heals of [true, false]) {
      const client = newClient({ storage: flaky.storage, clock });
      await client.transcribe(AUDIO, { idempotencyKey: `heals ${heals}` });
      const { completions } = flaky;
      isBroken = !heals;
      await client.close();
      expect(flaky.completions).toBe(completions + 1);
      expect(clock.pendingTimers).toBe(0);
      isBroken = true;
    }
    const states = (await flaky.storage.list('idempotency', {})).items.map(({ status }) => status);
    expect(states.sort()).toEqual(['completed', 'running']);
  });

  it('that loses the reply of a write, still knows its own claim', async () => {
    const storage = createMemoryStorage();
    const clock = new ManualClock();
    let lost = 0;
    const put: StorageAdapter['put'] = async (record, condition) => {
      const result = await storage.put(record, condition);
      if (record.collection !== 'idempotency' || condition?.expectedVersion !== 1 || lost > 0) return result;
      lost += 1;
      return broken();
    };
    const client = newClient({ storage: { ...storage, put }, clock });
    server.reply = undefined;
    const call = client.transcribe(AUDIO, KEY);
    await vi.waitFor(() => expect(server.read).toBe(1));
    await clock.advance(20_000);
    expect(lost).toBe(1);
    server.answer();
    const { id } = await call;
    expect((await client.transcribe(AUDIO, KEY)).id).toBe(id);
    expect(server.requests).toHaveLength(1);
  });

  it('that loses the reply of the claim itself, leaves the key free', async () => {
    const storage = createMemoryStorage();
    let lost = 0;
    const put: StorageAdapter['put'] = async (record, condition) => {
      const result = await storage.put(record, condition);
      if (record.collection !== 'idempotency' || lost > 0) return result;
      lost += 1;
      return broken();
    };
    const client = newClient({ storage: { ...storage, put } });
    expect((await failureOf(client.transcribe(AUDIO, KEY))).code).toBe('storage_failed');
    expect(server.requests).toHaveLength(0);
    expect((await client.transcribe(AUDIO, { ...KEY, timeoutMs: 5000 })).text).toBe('answer 1');
  });

  it.each(['get', 'put'] as const)('or hangs in %s before the call: the time limit holds', async (method) => {
    const storage = createMemoryStorage();
    const client = newClient({ storage: { ...storage, [method]: hang } });
    const error = await failureOf(client.transcribe(AUDIO, { ...KEY, timeoutMs: 50 }));
    expect(error).toMatchObject({ code: 'timeout', ambiguous: false });
    expect(server.requests).toHaveLength(0);
  });

  it('and took a claim after its caller had gone, is freed of it', async () => {
    const storage = createMemoryStorage();
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const put: StorageAdapter['put'] = async (record, condition) => {
      await gate;
      return storage.put(record, condition);
    };
    const client = newClient({ storage: { ...storage, put } });
    expect((await failureOf(client.transcribe(AUDIO, { ...KEY, timeoutMs: 30 }))).code).toBe('timeout');
    goOn();
    expect((await client.transcribe(AUDIO, KEY)).text).toBe('answer 1');
  });

  it('or hangs after the call: an abort gives the transcript, or the failure, that is there', async () => {
    const storage = createMemoryStorage();
    const put: StorageAdapter['put'] = (record, condition) =>
      record.status === 'completed' && record.collection === 'idempotency'
        ? hang()
        : storage.put(record, condition);
    const client = newClient({ storage: { ...storage, put, delete: hang } });
    expect((await client.transcribe(AUDIO, { ...KEY, timeoutMs: 300 })).text).toBe('answer 1');
    server.reply = () => ({ status: 401 });
    const error = await failureOf(client.transcribe(AUDIO, { idempotencyKey: 'other', timeoutMs: 300 }));
    expect(error.name).toBe('AuthError');
  });
});
