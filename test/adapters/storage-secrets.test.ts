import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStorage, type StorageAdapter } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { shown } from '../support/leaks.js';
import { inFile } from './storage-rig.js';

const CANARY = 'CANARY-words';

let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-secrets-'));
});

afterAll(() => rm(folder, { recursive: true }));

const secret = (changes: object = {}) =>
  record('a', { data: { text: CANARY, [CANARY]: CANARY }, ...changes });

/** Records that no storage takes, each with the canary in it. */
const UNFIT: Readonly<Record<string, object>> = {
  'a circle': { data: Object.assign({ [CANARY]: CANARY }, { self: {} as unknown }) },
  'a BigInt': { data: { [CANARY]: 1n } },
  'a toJSON that throws': {
    data: {
      toJSON() {
        throw new Error(CANARY);
      },
    },
  },
  'too many bytes': { data: { text: CANARY.repeat(1000) } },
};
const circle = UNFIT['a circle'] as { data: { self: unknown } };
circle.data.self = circle.data;

function expectClean(value: unknown): void {
  expect(shown(value)).not.toContain('CANARY');
}

describe.each([
  ['memory', () => createMemoryStorage({ maxBytes: 2000 })],
  ['SQLite', () => createSqliteStorage({ path: join(folder, `r${++files}.db`), maxRecordBytes: 2000 })],
] as [string, () => StorageAdapter][])('the %s storage', (_name, create) => {
  it.each(Object.keys(UNFIT))('tells nothing of a record with %s', async (name) => {
    const storage = create();
    await storage.put(secret());
    for (const refused of [
      storage.put(secret(UNFIT[name])),
      storage.transact?.([{ type: 'put', record: secret(UNFIT[name]) }]),
    ]) {
      expectClean(await failureOf(refused as Promise<unknown>));
    }
    expectClean(storage);
    await storage.close?.();
  });

  it('tells nothing in what is shown of it, or of a cursor', async () => {
    const storage = create();
    await storage.put(secret());
    await storage.put(secret({ id: 'b' }));
    expectClean(storage);
    expectClean(await failureOf(storage.list('jobs', { cursor: CANARY })));
    expectClean((await storage.list('jobs', { limit: 1 })).nextCursor);
    await storage.close?.();
    if (storage.close !== undefined) expectClean(await failureOf(storage.put(secret())));
  });
});

describe('a SQLite file', () => {
  it('tells nothing of what is in it, where it is damaged', async () => {
    const path = join(folder, `r${++files}.db`);
    const storage = createSqliteStorage({ path });
    for (let index = 0; index < 200; index += 1) await storage.put(secret({ id: `a${index}` }));
    await storage.close?.();
    inFile(path, (database) =>
      database.exec(`UPDATE transcription_records SET data = '{"${CANARY}' WHERE id = 'a7'`),
    );
    const damaged = createSqliteStorage({ path });
    expectClean(await failureOf(damaged.get('jobs', 'a7')));
    expectClean(await failureOf(damaged.list('jobs', { limit: 1000 })));
    await damaged.close?.();
    await truncate(path, 20_000);
    const cut = createSqliteStorage({ path });
    expectClean(await failureOf(cut.list('jobs', { limit: 1000 })));
    await cut.close?.();
  });
});

describe('the file store', () => {
  it('tells nothing of the audio', async () => {
    const store = createFileAudioStore({ directory: join(folder, 'audio'), maxBytes: 1000 });
    const audio = async function* () {
      for (let index = 0; index < 200; index += 1) yield Buffer.from(CANARY);
    };
    expectClean(await failureOf(store.put(audio())));
    expectClean(await failureOf(store.open(CANARY)));
    expectClean(store);
  });
});
