import type { StorageAdapter } from 'transcription-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { record } from '../../src/testing/contract/storage-samples.js';
import { failureOf } from '../support/client.js';
import { openSession, testServer } from './postgres-rig.js';

const rig = testServer();

let url: string;
let storage: StorageAdapter;

beforeEach(async () => {
  url = await rig.server.createDatabase();
  storage = createPostgresStorage({ connectionString: url });
});

afterEach(() => storage.close?.());

async function roundTrip(data: unknown): Promise<unknown> {
  expect(await storage.put(record('a', { data }))).toBe(true);
  return (await storage.get('jobs', 'a'))?.data;
}

/** What JSON makes of it, which is what every storage keeps. */
const asJson = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

describe('PostgreSQL keeps', () => {
  it.each([
    ['NUL', 'a\0b'],
    ['NUL in a key', { 'a\0': 1 }],
    ['half of a surrogate pair', ['\ud83d', '\ude00', 'a\udfffb', '\ude00\ud83d']],
    ['half of a surrogate pair in a key', { '\ud83d': { '\ude00': null } }],
    ['whole pairs', '😀👩‍👩‍👧‍👦\u{10ffff}\uffff\ufffe'],
    ['text that looks like an escape', ['\\u0000', '\\\\u0000', '\\ud800', '"\\u0000"', '\\']],
    ['control characters', Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('')],
    ['line separators', '\u2028\u2029\u0085\u007f\u00a0\ufeff'],
    ['numbers', [1e308, -1e308, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 1e21, 1e-7]],
    [
      'whole numbers',
      [123456789012345680000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 63, -(2 ** 64)],
    ],
    ['numbers that are none', [-0, Number.POSITIVE_INFINITY, Number.NaN, Number('1e400')]],
    ['scalars', null],
    ['text that looks like JSON', '{"a":1}'],
    ['empty things', ['', {}, [], [[]], { '': '' }]],
    ['keys in any order', { b: 1, a: 2, 10: 3, 9: 4, aa: 5 }],
    ['names of objects', JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3,"hasOwnProperty":4}')],
  ])('%s', async (_, data) => {
    expect(await roundTrip(data)).toEqual(asJson(data));
    expect(JSON.stringify(await roundTrip([data, { data }]))).toHaveLength(
      JSON.stringify([data, { data }]).length,
    );
  });

  it('many records of one transaction as they are, whatever their texts', async () => {
    const control = Array.from({ length: 31 }, (_, code) => String.fromCharCode(code + 1)).join('');
    const texts = ['plain', '"', '\\', '\\"', '{a,b}', 'NULL', 'null', ' ', '\u2028', '😀'];
    for (const more of [[], [control, '\n']]) {
      const records = [...texts, ...more].map((text, index) =>
        record(`${more.length}${index}${text}`, { userId: text, status: `s${text}`, data: { [text]: text } }),
      );
      const changes = records.map(
        (put) => ({ type: 'put', record: put, condition: { expectedVersion: 0 } }) as const,
      );
      expect(await storage.transact?.(changes)).toBe(true);
      for (const put of records) expect(await storage.get('jobs', put.id)).toMatchObject(put);
    }
  });

  it('data that is nested as deep as JSON takes it, or says that it is too deep', async () => {
    for (const depth of [100, 1000, 2000, 4000, 8000]) {
      let data: unknown = 'leaf';
      for (let level = 0; level < depth; level += 1) data = level % 2 === 0 ? [data] : { a: data };
      const outcome = await roundTrip(data).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'StorageError', retryable: false });
      else expect(JSON.stringify(outcome) === JSON.stringify(data)).toBe(true);
      if (depth <= 1000) expect(outcome).not.toBeInstanceOf(Error);
      expect(await storage.put(record('b'))).toBe(true);
    }
  });

  it('a record of 50 MB, and refuses what is larger than maxRecordBytes', async () => {
    for (const text of ['word '.repeat(10_000_000), 'ä\0'.repeat(2_000_000)]) {
      const data = (await roundTrip({ text })) as { text?: string };
      // Compared here: a difference would print all of it.
      expect(data.text === text).toBe(true);
    }
    const error = await failureOf(storage.put(record('larger', { data: 'x'.repeat(300_000_000) })));
    expect(error).toMatchObject({ code: 'record_too_large', retryable: false });
    expect(await storage.get('jobs', 'larger')).toBeUndefined();
  });

  it('what its columns hold in the longest texts that are taken', async () => {
    for (const letter of ['x', 'ä', '😀', '\u2028']) {
      const length = Math.floor(512 / letter.length);
      // Each differs, so that an index cannot make them shorter.
      const text = Array.from({ length }, (_, index) =>
        letter === 'x' ? String.fromCharCode(0x4e00 + ((index * 7919) % 20_000)) : letter,
      ).join('');
      const long = record(text, { userId: text, status: text });
      expect(await storage.put(long)).toBe(true);
      expect(await storage.get('jobs', text)).toMatchObject({ id: text, userId: text, status: text });
      expect((await storage.list('jobs', { userId: text, status: text })).items).toHaveLength(1);
    }
  });
});

describe('a PostgreSQL database of another encoding', () => {
  it('says so where it cannot keep a character', async () => {
    await rig.server.query(
      "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    const latin = createPostgresStorage({ connectionString: url.replace(/[^/]*$/, 'latin') });
    expect(await latin.put(record('ä'))).toBe(true);
    expect(await latin.get('jobs', 'ä')).toMatchObject({ id: 'ä' });
    for (const call of [latin.put(record('中文')), latin.put(record('a', { data: '中文' }))]) {
      const error = await failureOf(call);
      expect(error).toMatchObject({ code: 'storage_schema', retryable: false });
      expect(error.message).toMatch(/UTF8/);
      expect(`${error.stack} ${error.cause}`).not.toContain('中');
    }
    await latin.close?.();
  });
});

describe('the JSONB column of PostgreSQL', () => {
  it('answers questions about the data, and is null where JSONB cannot hold it', async () => {
    await storage.put(record('plain', { data: { text: 'good morning', half: 'ud' } }));
    await storage.put(record('nul', { data: { text: 'a\0b' } }));
    await storage.put(record('half', { data: { text: '\ud83d' } }));
    await storage.put(record('pair', { data: { text: '😀' } }));
    const session = await openSession(url);
    const { rows } = await session.query(
      "SELECT id, data_jsonb->>'text' AS text FROM transcription_records ORDER BY sequence",
    );
    await session.end();
    expect(rows).toEqual([
      { id: 'plain', text: 'good morning' },
      { id: 'nul', text: null },
      { id: 'half', text: null },
      { id: 'pair', text: '😀' },
    ]);
  });
});

describe('a record of PostgreSQL that somebody has damaged', () => {
  it.each([
    ['text that is no JSON', 'secret words \\u0000'],
    ['half of its JSON', '{"text":"secret \\ud83d'],
  ])('into %s names itself, and quotes nothing', async (_, data) => {
    await storage.put(record('damaged'));
    const session = await openSession(url);
    await session.query('UPDATE transcription_records SET data = $1', [data]);
    await session.end();
    for (const read of [() => storage.get('jobs', 'damaged'), () => storage.list('jobs', {})]) {
      const error = await failureOf(read());
      expect(error).toMatchObject({ code: 'storage_corrupt', retryable: false });
      expect(error.message).toContain('damaged');
      expect(`${error.stack} ${error.cause}`).not.toContain('secret');
    }
    expect(await storage.put(record('damaged'))).toBe(true);
    expect(await storage.get('jobs', 'damaged')).toBeDefined();
  });
});
