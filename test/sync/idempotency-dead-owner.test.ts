import { createMemoryStorage, fromStream, type StorageAdapter } from 'transcription-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  AUDIO,
  eventsOf,
  KEY,
  keyedRigs,
  newClient,
  OTHER,
  onceReadable,
  server,
  URL_A,
} from './keyed-rig.js';

keyedRigs();

let storage: StorageAdapter;
/** Statuses of the records of keys, as they were written. */
let written: string[];

beforeEach(() => {
  storage = createMemoryStorage();
  written = [];
});

type Put = StorageAdapter['put'];

/** A storage that counts, and whose writes of keys may fail. */
function watched(fails: (status: string) => boolean = () => false): StorageAdapter {
  const put: Put = async (record, condition) => {
    if (record.collection !== 'idempotency') return storage.put(record, condition);
    written.push(record.status);
    if (fails(record.status)) throw new Error('the process is dead');
    return storage.put(record, condition);
  };
  return { ...storage, put };
}

/** Waits as long as it takes to believe that the owner is dead. */
async function afterLease<Value>(clock: ManualClock, call: Promise<Value>): Promise<Value> {
  let isOver = false;
  call.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  for (let passed = 0; passed < 120_000 && !isOver; passed += 1000) await clock.advance(1000);
  return call;
}

describe('an owner that dies when its transcript is stored, before its key is', () => {
  it.each([
    ['bytes', () => AUDIO],
    ['a stream', () => onceReadable()],
    ['a stream that can be read again', () => fromStream(() => onceReadable())],
  ])('leaves the key to the same audio alone: %s', async (_kind, source) => {
    const owner = newClient({ storage: watched((status) => status === 'completed') });
    const { id } = await owner.transcribe(source(), KEY);
    expect((await storage.list('idempotency', {})).items).toMatchObject([{ status: 'running' }]);
    const clock = new ManualClock();
    const client = newClient({ storage, clock });
    const error = await failureOf(afterLease(clock, client.transcribe(OTHER, KEY)));
    expect(error.code).toBe('idempotency_conflict');
    expect((await afterLease(clock, client.transcribe(AUDIO, KEY))).id).toBe(id);
    expect(server.requests).toHaveLength(1);
  });

  it('costs no write where the audio was known before', async () => {
    const client = newClient({ storage: watched() });
    await client.transcribe(URL_A, { idempotencyKey: 'of a URL' });
    await client.transcribe(AUDIO, { deduplicate: true });
    await client.transcribe(AUDIO, { ...KEY, store: false });
    expect(written).toEqual(Array.from({ length: 3 }, () => ['running', 'completed']).flat());
    await client.transcribe(AUDIO, KEY);
    expect(written.slice(6)).toEqual(['running', 'running', 'completed']);
  });
});

it('a claim that cannot be written again hides no transcript', async () => {
  const client = newClient({ storage: watched(() => written.length === 2) });
  const failures = eventsOf(client, 'storage-failure');
  const { id } = await client.transcribe(AUDIO, KEY);
  expect(written).toEqual(['running', 'running', 'completed']);
  expect(failures).toMatchObject([{ operation: 'put', collection: 'idempotency' }]);
  expect((await client.transcripts.get(id))?.text).toBe('answer 1');
  expect((await failureOf(client.transcribe(OTHER, KEY))).code).toBe('idempotency_conflict');
});
