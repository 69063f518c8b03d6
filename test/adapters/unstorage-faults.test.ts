import { inspect } from 'node:util';
import { createStorage, type Driver } from 'unstorage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUnstorageStorage } from '../../src/adapters/unstorage/index.js';
import type { RecordInput, StorageAdapter } from '../../src/contracts/storage.js';
import { StorageError } from '../../src/errors/index.js';
import { Dice } from '../soak/dice.js';
import { type DriverCall, record, second, sharedMemory, walk, watched } from './unstorage-rig.js';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
console.log(`unstorage faults: seed ${seed} (set SEED to repeat)`);

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeAll(() => void process.on('unhandledRejection', onUnhandled));

afterAll(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

/** A driver whose calls fail as the test says, before they have done anything or after it. */
function faulty(driver: Driver, fault: (call: DriverCall) => 'before' | 'after' | undefined): Driver {
  const wrapped = watched(driver, () => undefined) as unknown as Record<string, unknown>;
  for (const [method, run] of Object.entries(wrapped)) {
    if (typeof run !== 'function') continue;
    wrapped[method] = async (key: string, ...rest: unknown[]) => {
      const kind = fault({ method: method as DriverCall['method'], key });
      if (kind === 'before') throw new Error('connection refused');
      const value = await run(key, ...rest);
      if (kind === 'after') throw new Error('connection lost');
      return value;
    };
  }
  return wrapped as unknown as Driver;
}

/** All that the records say, found by their ids and by every list. Fails where those disagree. */
async function contentOf(storage: StorageAdapter, ids: readonly string[]): Promise<Map<string, unknown>> {
  const content = new Map<string, unknown>();
  const ofStatus: Record<string, string[]> = { queued: [], active: [], completed: [] };
  for (const id of ids) {
    const found = await storage.get('jobs', id);
    if (found === undefined) continue;
    content.set(id, found.data);
    ofStatus[found.status]?.push(id);
  }
  for (const limit of [1, 2, 100]) {
    expect((await walk(storage, { limit })).sort()).toEqual([...content.keys()].sort());
  }
  for (const [status, expected] of Object.entries(ofStatus)) {
    expect((await walk(storage, { status, limit: 2 })).sort(), status).toEqual(expected.sort());
  }
  return content;
}

const IDS = ['a', 'b', 'c', 'new'];

async function filled() {
  const store = sharedMemory();
  const storage = createUnstorageStorage(store.open());
  for (const [index, id] of ['a', 'b', 'c'].entries()) {
    await storage.put(record(id, { status: 'queued', createdAt: second(index), data: 'first' }));
  }
  return store;
}

const changed = (id: string, rest: Partial<RecordInput> = {}): RecordInput =>
  record(id, { status: 'active', createdAt: second(1), data: 'second', ...rest });

const operations: Readonly<
  Record<
    string,
    { run(storage: StorageAdapter): Promise<unknown>; id: string; before?: string; after?: string }
  >
> = {
  'a first write': { id: 'new', after: 'second', run: (storage) => storage.put(changed('new')) },
  'a write of another status': {
    id: 'b',
    before: 'first',
    after: 'second',
    run: (storage) => storage.put(changed('b'), { expectedVersion: 1 }),
  },
  'a write of another time': {
    id: 'b',
    before: 'first',
    after: 'second',
    run: (storage) => storage.put(changed('b', { createdAt: second(9) })),
  },
  'a delete': { id: 'b', before: 'first', run: (storage) => storage.delete('jobs', 'b') },
  'a purge': {
    id: 'c',
    before: 'first',
    run: async (storage) => storage.purge?.('jobs', { createdBefore: second(3), statuses: ['queued'] }),
  },
};

describe('unstorage: a driver that fails at one of its steps', () => {
  const kinds = ['before', 'after'] as const;
  const cases = Object.entries(operations).flatMap(([name, operation]) =>
    kinds.flatMap((kind) =>
      [true, false].map((isDead) => ({ name, operation, kind, isDead, until: isDead ? 'on' : 'only' })),
    ),
  );

  it.each(cases)('$name, each step $kind it is done, from it $until', async ({ operation, kind, isDead }) => {
    for (let step = 1; ; step++) {
      const store = await filled();
      let calls = 0;
      const driver = faulty(store.driver, () => {
        calls += 1;
        return calls === step || (isDead && calls > step) ? kind : undefined;
      });
      const outcome = await operation
        .run(createUnstorageStorage(createStorage({ driver })))
        .catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ name: 'StorageError', code: 'storage_failed', retryable: true });
      }
      const content = await contentOf(createUnstorageStorage(store.open()), IDS);
      const isAcknowledged = !(outcome instanceof Error);
      const allowed = isAcknowledged ? [operation.after] : [operation.before, operation.after];
      expect(allowed, `step ${step}`).toContain(content.get(operation.id));
      // A purge may have taken some of its records; all other calls touch nothing but theirs.
      if (!Object.is(operation, operations['a purge'])) {
        for (const id of ['a', 'b', 'c']) if (id !== operation.id) expect(content.get(id), id).toBe('first');
      }
      const again = createUnstorageStorage(store.open());
      await again.put(record(operation.id, { status: 'completed', data: 'third' }));
      expect((await contentOf(again, IDS)).get(operation.id)).toBe('third');
      if (calls < step) return expect(step).toBeGreaterThan(3);
    }
  });
});

describe('unstorage: a driver that cannot remove index entries', () => {
  it('loses no acknowledgement of what has been written or deleted', async () => {
    const store = await filled();
    const driver = faulty(store.driver, ({ method, key }) =>
      method === 'removeItem' && key.includes(':index:') ? 'before' : undefined,
    );
    const storage = createUnstorageStorage(createStorage({ driver }));
    expect(await storage.put(changed('a'), { expectedVersion: 1 })).toBe(true);
    expect(await storage.delete('jobs', 'b', { expectedVersion: 1 })).toBe(true);
    expect(await storage.purge?.('jobs', { createdBefore: second(3), statuses: ['queued'] })).toBe(1);
    expect([...(await contentOf(storage, IDS))]).toEqual([['a', 'second']]);
  });
});

describe('unstorage: a driver that fails at random', () => {
  it.each([...Array(12).keys()])(
    'gives typed errors and loses no acknowledged write, run %d',
    async (run) => {
      const dice = new Dice(seed, run);
      const store = sharedMemory();
      const driver = faulty(store.driver, () => dice.maybe(0.15, dice.oneOf(['before', 'after'] as const)));
      let storage = createUnstorageStorage(createStorage({ driver }));
      const ids = ['a', 'b', 'c', 'd'];
      /** What each record may hold now: one value where the last change was acknowledged. */
      const possible = new Map<string, Set<unknown>>(ids.map((id) => [id, new Set([undefined])]));
      for (let step = 0; step < 250; step++) {
        const id = dice.oneOf(ids);
        const states = possible.get(id) ?? new Set();
        if (dice.chance(0.05)) storage = createUnstorageStorage(createStorage({ driver }));
        try {
          const action = dice.oneOf(['put', 'put', 'delete', 'get', 'list'] as const);
          if (action === 'put') {
            const status = dice.oneOf(['queued', 'active', 'completed']);
            // In doubt already while it is on its way.
            states.add(step);
            await storage.put(record(id, { status, createdAt: second(dice.whole(0, 3)), data: step }));
            possible.set(id, new Set([step]));
          } else if (action === 'delete') {
            states.add(undefined);
            await storage.delete('jobs', id);
            possible.set(id, new Set([undefined]));
          } else if (action === 'get') {
            expect([...states]).toContain((await storage.get('jobs', id))?.data);
          } else {
            const listed = await walk(storage, { limit: dice.whole(1, 3) });
            expect(new Set(listed).size).toBe(listed.length);
            for (const [one, data] of possible) if (!data.has(undefined)) expect(listed).toContain(one);
          }
        } catch (error) {
          if (!(error instanceof StorageError)) throw error;
          expect(error).toMatchObject({ code: 'storage_failed', retryable: true });
        }
      }
      const content = await contentOf(createUnstorageStorage(store.open()), ids);
      for (const id of ids) expect([...(possible.get(id) ?? [])], id).toContain(content.get(id));
    },
  );

  it.each([...Array(30).keys()])(
    'keeps the index whole where processes write at the same time, run %d',
    async (run) => {
      const dice = new Dice(seed, 1000 + run);
      const store = sharedMemory();
      const pause = async (): Promise<void> => {
        for (let turn = dice.whole(0, 4); turn > 0; turn--)
          await new Promise((resolve) => setImmediate(resolve));
      };
      const storages = [0, 1, 2].map(() => createUnstorageStorage(store.open(pause)));
      const ids = ['a', 'b'];
      const writes = storages.map(async (storage, writer) => {
        for (let step = 0; step < 12; step++) {
          const id = dice.oneOf(ids);
          if (dice.chance(0.2)) await storage.delete('jobs', id);
          else
            await storage.put(record(id, { status: dice.oneOf(['queued', 'active']), data: [writer, step] }));
        }
      });
      await Promise.all(writes);
      await contentOf(createUnstorageStorage(store.open()), ids);
    },
  );
});

describe('unstorage: secrets', () => {
  const CANARY = 'canary-Pa55w0rd!';
  const inText = (text: string): boolean => text.includes('canary') || text.includes('Pa55w0rd');

  const thrown: Readonly<Record<string, () => unknown>> = {
    'an address': () => new Error(`connect ECONNREFUSED redis://default:${CANARY}@10.0.0.1:6379/0`),
    'a connection string': () => new Error(`AccountName=x;AccountKey=${CANARY};EndpointSuffix=core`),
    'the record': () => new Error(`Failed query: insert into items values ('{"text":"${CANARY}"}')`),
    'its properties': () =>
      Object.assign(new Error('failed'), {
        code: `E ${CANARY}`,
        options: { headers: { authorization: `Bearer ${CANARY}` } },
        [Symbol('config')]: CANARY,
      }),
    'its causes': () => new Error('failed', { cause: new TypeError(CANARY, { cause: CANARY }) }),
    'its name': () => Object.assign(new Error('failed'), { name: CANARY }),
    'several errors': () => new AggregateError([new Error(CANARY)], CANARY),
    'no error': () => CANARY,
    'an object': () => ({ message: CANARY, code: CANARY }),
  };

  it.each(Object.keys(thrown))('are in no error where the driver throws them in %s', async (form) => {
    const store = sharedMemory();
    await createUnstorageStorage(store.open()).put(record('a'));
    const driver = watched(store.driver, () => {
      throw thrown[form]?.();
    });
    const storage = createUnstorageStorage(createStorage({ driver }));
    const errors = await Promise.all(
      [
        storage.get('jobs', 'a'),
        storage.put(record('a', { data: { text: CANARY } })),
        storage.delete('jobs', 'a'),
        storage.list('jobs', {}),
        storage.purge?.('jobs', { createdBefore: second(9) }),
        storage.health?.(),
      ].map((call) => Promise.resolve(call).then(String, (error: unknown) => error)),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(StorageError);
      expect(error).toMatchObject({ code: 'storage_failed', retryable: true });
      const { message, stack, cause } = error as StorageError;
      expect(cause).toBeInstanceOf(Error);
      const texts = [message, stack ?? '', String(cause), JSON.stringify(error)];
      expect(texts.filter(inText)).toEqual([]);
      expect(inText(inspect(error, { depth: null, showHidden: true, getters: true }))).toBe(false);
    }
  });

  it('leave what tells the kind of failure', async () => {
    const fail = (error: Error) =>
      createUnstorageStorage(
        createStorage({
          driver: watched(sharedMemory().driver, () => {
            throw error;
          }),
        }),
      ).get('jobs', 'a');
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    await expect(fail(new TypeError('fetch failed', { cause: refused }))).rejects.toMatchObject({
      code: 'storage_failed',
      cause: { message: 'TypeError; Error, code ECONNREFUSED', code: 'ECONNREFUSED' },
    });
    await expect(
      fail(Object.assign(new Error('x'), { name: 'FetchError', status: 503 })),
    ).rejects.toMatchObject({
      cause: { message: 'FetchError, status 503' },
    });
    for (const [code, expected] of [
      ['ENOSPC', { code: 'storage_full', retryable: true }],
      ['EROFS', { code: 'storage_read_only', retryable: false }],
    ] as const) {
      await expect(fail(Object.assign(new Error('write'), { code }))).rejects.toMatchObject(expected);
    }
  });
});
