import { inspect } from 'node:util';
import type { StorageAdapter } from 'transcription-client';
import { startFaultProxy } from 'transcription-client/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage, type PostgresStorageOptions } from '../../src/adapters/postgres/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { endSessions, openPool, openSession, testServer, until, waitingSessions } from './postgres-rig.js';

const rig = testServer({ max_connections: '20' });
/** Words of the password and of a record. */
const CANARIES = ['canary', 'CANARY'];
const CANARY = 'CANARY-words';

let url: string;

beforeEach(async () => {
  url = await rig.server.createDatabase();
  expect(url).toContain('canary');
});

const secret = (id = 'a') => record(id, { data: { text: CANARY, [CANARY]: 1 } });

/** All of a value that a log or a reporter of errors may show. */
function shown(value: unknown): string {
  const texts = [JSON.stringify(value), String(value)];
  for (const showHidden of [true, false]) {
    texts.push(
      inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden, maxStringLength: null, getters: true }),
    );
  }
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', JSON.stringify({ ...error }));
    for (const name of Object.getOwnPropertyNames(error)) {
      texts.push(name, String((error as unknown as Record<string, unknown>)[name]));
    }
  }
  return texts.join('\n');
}

function expectClean(value: unknown): void {
  const text = shown(value);
  for (const canary of CANARIES) expect(text).not.toContain(canary);
}

function changed(change: (url: URL) => void): string {
  const other = new URL(url);
  change(other);
  return other.href;
}

async function byHand(sql: string): Promise<void> {
  const session = await openSession(url);
  await session.query(sql);
  await session.end();
}

async function opened(options: PostgresStorageOptions = { connectionString: url }): Promise<StorageAdapter> {
  const storage = createPostgresStorage(options);
  await storage.put(secret());
  return storage;
}

/** Each resolves to the failure of a call. */
const FAILURES: Record<string, () => Promise<unknown>> = {
  'a wrong host': () => connecting(changed((other) => (other.hostname = '127.0.0.2'))),
  'a host that is none': () => connecting(changed((other) => (other.hostname = 'nowhere.invalid'))),
  'a wrong port': () => connecting(changed((other) => (other.port = '1'))),
  'a wrong database': () => connecting(changed((other) => (other.pathname = '/nowhere'))),
  'a wrong user': () => connecting(changed((other) => (other.username = 'nobody'))),
  'a password that breaks the connection string': () =>
    connecting(url.replace(/:[^:@]*@/, ':canary/secret#canary@')),
  'a wrong option of the connection string': () => connecting(`${url}?sslmode=verify-full&password=canary`),
  'a connection string of something else': async () => {
    try {
      return createPostgresStorage({ connectionString: 'mysql://user:canary@host/db' });
    } catch (error) {
      return error;
    }
  },
  'a constraint': async () => {
    const storage = await opened();
    await byHand(
      `ALTER TABLE transcription_records ADD CHECK (data_jsonb->>'text' <> '${CANARY}') NOT VALID`,
    );
    return ending(storage, storage.put(secret('b')));
  },
  'a value that a type does not take': async () => {
    const storage = await opened();
    await byHand('ALTER TABLE transcription_records ALTER status TYPE INTEGER USING 1');
    return ending(storage, storage.put(record('b', { status: CANARY })));
  },
  'a trigger': async () => {
    const storage = await opened();
    await byHand(`CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no: %', NEW.data USING DETAIL = NEW.data, HINT = NEW.data; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON transcription_records FOR EACH ROW EXECUTE FUNCTION refuse()`);
    return ending(storage, storage.put(secret('b')));
  },
  'a parser of the pool': async () => {
    const text = (): unknown => JSON.parse(CANARY);
    const types = { getTypeParser: () => text } as never;
    const storage = await opened();
    await storage.close?.();
    const pool = openPool({ connectionString: url, types });
    const failing = createPostgresStorage({ pool });
    return ending(failing, failing.get('jobs', 'a')).finally(() => pool.end());
  },
  'a record that is too large': async () => {
    const storage = await opened({ connectionString: url, maxRecordBytes: 1000 });
    return ending(storage, storage.put(record('b', { data: CANARY.repeat(100) })));
  },
  'a record that is no JSON': async () => {
    const storage = await opened();
    const data: Record<string, unknown> = { text: CANARY };
    data.self = data;
    return ending(storage, storage.put(record('b', { data })));
  },
  'a connection that is ended': async () => {
    const storage = await opened();
    const session = await openSession(url);
    await session.query('BEGIN; SELECT 1 FROM transcription_records FOR UPDATE');
    const failure = failureOf(storage.put(secret()));
    await until(async () => (await waitingSessions(rig.server, url)).length > 0);
    await endSessions(rig.server, url, await waitingSessions(rig.server, url));
    await session.end();
    return failure.finally(() => storage.close?.());
  },
  'a timeout': async () => {
    const proxy = await startFaultProxy({ target: url });
    const storage = await opened({ connectionString: proxy.url, queryTimeoutMs: 100 });
    proxy.set({ down: { blackhole: true } });
    return ending(storage, storage.put(secret())).finally(() => proxy.close());
  },
};

async function connecting(connectionString: string): Promise<unknown> {
  const storage = createPostgresStorage({ connectionString, acquireTimeoutMs: 1000 });
  return ending(storage, storage.put(secret()));
}

async function ending(storage: StorageAdapter, call: Promise<unknown>): Promise<unknown> {
  return failureOf(call).finally(() => storage.close?.());
}

describe('a failure of PostgreSQL tells no secret', () => {
  it.each(Object.keys(FAILURES))('of %s', async (name) => {
    const error = await FAILURES[name]?.();
    expect(error).toBeInstanceOf(Error);
    expectClean(error);
  });

  it('but what to do about a connection string that cannot be read', async () => {
    const error = await connecting(url.replace(/:[^:@]*@/, ':canary/secret#canary@'));
    expect(error).toMatchObject({ code: 'storage_unavailable', retryable: false });
    expect((error as Error).message).toMatch(/connection string.*%23/);
  });
});

describe('a PostgreSQL storage', () => {
  it('shows nothing of its connection string', async () => {
    const storage = await opened();
    expectClean(storage);
    await storage.close?.();
    expectClean(storage);
  });
});
