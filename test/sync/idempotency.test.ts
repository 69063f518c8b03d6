import { Readable } from 'node:stream';
import {
  type AudioSource,
  BadRequestError,
  createMemoryStorage,
  fromStream,
  type TranscribeOptions,
} from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  AUDIO,
  eventsOf,
  HOUR_MS,
  KEY,
  keyedRigs,
  newClient,
  OTHER,
  ok,
  onceReadable,
  server,
  storedIds,
  URL_A,
} from './keyed-rig.js';

keyedRigs();

describe.each([
  ['a key', KEY],
  ['the content', { deduplicate: true }],
])('calls that are the same by %s', (_name, options: TranscribeOptions) => {
  it.each([2, 100])('share one request and one transcript: %i at once', async (count) => {
    const client = newClient();
    const shared = eventsOf(client, 'deduplicated');
    server.reply = undefined;
    const calls = Array.from({ length: count }, () => client.transcribe(AUDIO, { ...options, userId: 'u' }));
    await vi.waitFor(() => expect(server.read).toBe(1));
    server.answer();
    const transcripts = await Promise.all(calls);
    expect(server.requests).toHaveLength(1);
    for (const transcript of transcripts) expect(transcript).toEqual(transcripts[0]);
    const id = transcripts[0]?.id;
    expect(await storedIds(client)).toEqual([id]);
    expect(shared).toHaveLength(count - 1);
    expect(shared[0]).toEqual({ type: 'deduplicated', transcriptId: id, userId: 'u' });
  });

  it('later get the transcript that is stored', async () => {
    const client = newClient();
    const shared = eventsOf(client, 'deduplicated');
    const first = await client.transcribe(AUDIO, options);
    expect(await client.transcribe(AUDIO, options)).toEqual(first);
    expect(await client.transcribe(new Blob([AUDIO]), options)).toEqual(first);
    expect(server.requests).toHaveLength(1);
    expect(shared).toHaveLength(2);
  });

  it('fail together, and the next one sends again', async () => {
    const client = newClient();
    server.reply = undefined;
    const failures = [1, 2, 3].map(() => failureOf(client.transcribe(AUDIO, options)));
    await vi.waitFor(() => expect(server.read).toBe(1));
    server.answer({ status: 401 });
    for (const error of await Promise.all(failures)) expect(error.name).toBe('AuthError');
    server.reply = ok;
    expect((await client.transcribe(AUDIO, options)).text).toBe('answer 2');
    expect(server.requests).toHaveLength(2);
  });

  it('answer for 24 hours, by the wall clock, whichever clock jumps by an hour', async () => {
    const clock = new ManualClock();
    const client = newClient({ clock });
    const { id } = await client.transcribe(AUDIO, options);
    const start = clock.wallMs();
    for (const wall of [start + HOUR_MS, start - HOUR_MS, start + 24 * HOUR_MS - 1]) {
      clock.setWall(wall);
      expect((await client.transcribe(AUDIO, options)).id).toBe(id);
    }
    clock.setWall(start);
    await clock.advance(HOUR_MS);
    expect((await client.transcribe(AUDIO, options)).id).toBe(id);
    expect(server.requests).toHaveLength(1);
    clock.setWall(start + 24 * HOUR_MS);
    const next = await client.transcribe(AUDIO, options);
    expect(next.id).not.toBe(id);
    expect((await client.transcribe(AUDIO, options)).id).toBe(next.id);
    expect(server.requests).toHaveLength(2);
  });

  it('send again where the transcript was deleted', async () => {
    const client = newClient();
    const { id } = await client.transcribe(AUDIO, options);
    await client.transcripts.delete(id);
    const next = await client.transcribe(AUDIO, options);
    expect(next.id).not.toBe(id);
    expect((await client.transcribe(AUDIO, options)).id).toBe(next.id);
    expect(server.requests).toHaveLength(2);
  });

  it('never get what another user, region or option made', async () => {
    const client = newClient({
      regions: [
        { name: 'here', endpoint: server.url },
        { name: 'there', endpoint: server.url },
      ],
    });
    const variants: TranscribeOptions[] = [
      {},
      { userId: 'a' },
      { userId: 'b' },
      { userId: 'null' },
      { region: 'there' },
      { language: 'de' },
      { smart_format: true },
      { smart_format: false },
      { keyterm: ['x', 'y'] },
      { keyterm: ['x,y'] },
      { query: { later: 1 } },
      { store: false },
    ];
    const calls = variants.map((variant) => client.transcribe(AUDIO, { ...options, ...variant }));
    expect(new Set((await Promise.all(calls)).map(({ id }) => id)).size).toBe(variants.length);
    const again = variants
      .slice(0, -1)
      .map((variant) => client.transcribe(AUDIO, { ...options, ...variant }));
    const ids = (await Promise.all(again)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(variants.length - 1);
    expect(server.requests).toHaveLength(variants.length);
    expect((await client.transcripts.list({ userId: 'a' })).items.map(({ id }) => id)).toEqual([ids[1]]);
  });

  it('are the same where their options are the same on the wire', async () => {
    const client = newClient({ defaults: { language: 'de', query: { later: 1 } } });
    const same: TranscribeOptions[] = [
      { smart_format: true, keyterm: 'x' },
      { keyterm: ['x'], smart_format: true },
      { smart_format: true, keyterm: 'x', language: 'de', model: 'nova-3', region: 'here', store: true },
      { query: { later: '1' }, keyterm: 'x', smart_format: true, metadata: { a: 1 }, timeoutMs: 5000 },
    ];
    for (const variant of same) await client.transcribe(AUDIO, { ...options, ...variant });
    expect(server.requests).toHaveLength(1);
  });

  it('with store: false share while they run, and then send again', async () => {
    const storage = createMemoryStorage();
    const client = newClient({ storage });
    const call = () => client.transcribe(AUDIO, { ...options, store: false });
    const [one, two] = await Promise.all([call(), call()]);
    expect(one).toEqual(two);
    expect(server.requests).toHaveLength(1);
    expect((await storage.list('idempotency', {})).items).toMatchObject([{ status: 'completed' }]);
    await call();
    expect(server.requests).toHaveLength(2);
    expect(await storedIds(client)).toEqual([]);
  });
});

it('a key and the content that it had are two things', async () => {
  const client = newClient();
  const first = await client.transcribe(AUDIO, KEY);
  const second = await client.transcribe(AUDIO, { deduplicate: true });
  expect(second.id).not.toBe(first.id);
  expect((await client.transcribe(OTHER, { deduplicate: true })).id).not.toBe(second.id);
  expect(server.requests).toHaveLength(3);
});

describe('another source with the same key', () => {
  const KINDS: Record<string, (bytes: Uint8Array<ArrayBuffer>) => AudioSource> = {
    bytes: (bytes) => bytes.slice(),
    'a Blob': (bytes) => new Blob([bytes], { type: 'audio/wav' }),
    'a stream that can be opened again': (bytes) => fromStream(() => onceReadable(bytes)),
    'a Readable': (bytes) => onceReadable(bytes),
    'a web stream': (bytes) => new Blob([bytes]).stream(),
    'a Request': (bytes) => new Request('http://localhost/', { method: 'POST', body: bytes }),
  };

  it.each(Object.keys(KINDS))('is refused, while the first runs and after it: %s', async (name) => {
    const make = KINDS[name] as (bytes: Uint8Array<ArrayBuffer>) => AudioSource;
    const client = newClient();
    server.reply = undefined;
    const first = client.transcribe(make(AUDIO), KEY);
    const same = Object.values(KINDS).map((kind) => client.transcribe(kind(AUDIO), KEY));
    const others = [...Object.values(KINDS).map((kind) => kind(OTHER)), URL_A].map((source) =>
      failureOf(client.transcribe(source, KEY)),
    );
    await vi.waitFor(() => expect(server.read).toBe(1));
    server.answer();
    const { id } = await first;
    for (const transcript of await Promise.all(same)) expect(transcript.id).toBe(id);
    for (const error of await Promise.all(others)) {
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ code: 'idempotency_conflict', retryable: false });
    }
    expect((await client.transcribe(make(AUDIO), KEY)).id).toBe(id);
    expect((await failureOf(client.transcribe(make(OTHER), KEY))).code).toBe('idempotency_conflict');
    expect((await failureOf(client.transcribe(URL_A, KEY))).code).toBe('idempotency_conflict');
    expect(server.requests).toHaveLength(1);
  });

  it('is refused for URLs too, by all of the URL', async () => {
    const client = newClient({
      regions: [{ name: 'here', endpoint: server.url, allowedSources: ['example.com'] }],
    });
    const first = await client.transcribe(URL_A, KEY);
    expect((await client.transcribe(new URL(URL_A), KEY)).id).toBe(first.id);
    for (const source of [`${URL_A}?v=2`, 'https://example.com/b.wav', AUDIO, onceReadable()]) {
      expect((await failureOf(client.transcribe(source, KEY))).code).toBe('idempotency_conflict');
    }
    expect(server.requests).toHaveLength(1);
  });

  it('is told so where the first fails, and not what was wrong with the first', async () => {
    const client = newClient();
    server.reply = undefined;
    const first = failureOf(client.transcribe(AUDIO, KEY));
    const other = failureOf(client.transcribe(OTHER, KEY));
    await vi.waitFor(() => expect(server.read).toBe(1));
    server.answer({ status: 400, body: { err_code: 'Bad Request', err_msg: 'corrupt or unsupported data' } });
    expect((await first).status).toBe(400);
    expect((await other).code).toBe('idempotency_conflict');
  });
});

describe('deduplicate', () => {
  it('refuses a one-shot stream, and says what to do', async () => {
    const client = newClient();
    for (const stream of [onceReadable(), new Blob([AUDIO]).stream(), new Response(AUDIO)]) {
      const error = await failureOf(client.transcribe(stream, { deduplicate: true }));
      expect(error).toMatchObject({ name: 'UnsupportedSourceError', code: 'unsupported_source' });
      expect(error.message).toMatch(/fromStream\(|fromFile\(|idempotencyKey/);
    }
    const kept = onceReadable();
    await failureOf(client.transcribe(kept, { deduplicate: true }));
    expect(kept.destroyed).toBe(true);
    expect(server.requests).toHaveLength(0);
  });

  it('refuses empty audio, as a key does', async () => {
    const client = newClient();
    for (const options of [{ deduplicate: true }, KEY]) {
      const error = await failureOf(client.transcribe(new Uint8Array(0), options));
      expect(error.code).toBe('empty_source');
    }
    expect((await client.transcribe(AUDIO, KEY)).text).toBe('answer 1');
  });

  it('does not keep an answer for audio that changed after it was hashed', async () => {
    const client = newClient();
    let bytes = AUDIO;
    const source = fromStream(() => {
      const stream = Readable.from([Buffer.from(bytes)]);
      bytes = OTHER;
      return stream;
    });
    await client.transcribe(source, { deduplicate: true });
    expect((await client.transcribe(AUDIO, { deduplicate: true })).text).toBe('answer 2');
  });
});
