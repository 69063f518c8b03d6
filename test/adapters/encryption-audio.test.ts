import { createDecipheriv, hkdfSync, randomBytes, randomInt } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { encryptAudioStore } from '../../src/adapters/encryption/index.js';
import type { AudioStore, OpenedAudio } from '../../src/contracts/index.js';
import { AbortedError, StorageError, UnsupportedSourceError } from '../../src/errors/index.js';
import {
  createTestAudioStore,
  cut,
  failureOf,
  NEW_KEY,
  newKeys,
  oldKeys,
  randomOf,
} from './encryption-samples.js';

const SEGMENT = 65_536;
const HEADER = 104;
const TAG = 16;

async function bytesOf(opened: OpenedAudio): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of opened.chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

function onlyFile(files: Map<string, Uint8Array>): Buffer {
  expect(files.size).toBe(1);
  return Buffer.from([...files.values()][0] as Uint8Array);
}

/** The documented format, written down a second time. */
function decipher(key: Uint8Array, sealed: Buffer): Buffer {
  const header = sealed.subarray(0, 104);
  const fileKey = new Uint8Array(
    hkdfSync('sha256', key, header.subarray(72), 'transcription-client/audio/1', 32),
  );
  const parts: Buffer[] = [];
  for (let at = 104, count = 0; at < sealed.length; at += 65_552, count += 1) {
    const segment = sealed.subarray(at, at + 65_552);
    const isLast = at + 65_552 >= sealed.length;
    const nonce = Buffer.from(
      `${'00'.repeat(7)}${count.toString(16).padStart(8, '0')}0${Number(isLast)}`,
      'hex',
    );
    const decoder = createDecipheriv('aes-256-gcm', fileKey, nonce);
    decoder.setAAD(header).setAuthTag(segment.subarray(-16));
    parts.push(decoder.update(segment.subarray(0, -16)), decoder.final());
  }
  return Buffer.concat(parts);
}

describe('encrypted audio', () => {
  const sizes = [1, 2, 16, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 1_000_000];

  it.each(sizes)(
    'of %i bytes comes back whole, with its sizes, and any program can decrypt it',
    async (size) => {
      const inner = createTestAudioStore();
      const store = encryptAudioStore(inner, newKeys);
      const audio = randomBytes(size);
      for (const chunkSize of [size, 1_000, SEGMENT]) {
        inner.files.clear();
        const stored = await store.put(cut(audio, chunkSize));
        expect(stored).toEqual({ ref: [...inner.files.keys()][0], sizeBytes: size });
        const opened = await store.open(stored.ref);
        expect(opened.sizeBytes).toBe(size);
        expect((await bytesOf(opened)).equals(audio)).toBe(true);
        const sealed = onlyFile(inner.files);
        expect(sealed.length).toBe(HEADER + size + Math.ceil(size / SEGMENT) * TAG);
        expect(decipher(NEW_KEY, sealed).equals(audio)).toBe(true);
      }
    },
  );

  it('comes back whole from chunks of any size, on both sides', async () => {
    const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
    console.log(`encrypted audio: SEED=${seed}`);
    const random = randomOf(seed);
    for (let round = 0; round < 30; round++) {
      const audio = randomBytes(1 + Math.floor(random() ** 2 * 400_000));
      const inner = createTestAudioStore(1 + Math.floor(random() ** 3 * 200_000));
      const store = encryptAudioStore(inner, newKeys);
      const { ref } = await store.put(cutAtRandom(audio, random));
      const opened = await store.open(ref);
      expect(opened.sizeBytes).toBe(audio.length);
      expect((await bytesOf(opened)).equals(audio), `round ${round}`).toBe(true);
    }
  });

  it('is still the format of version 1', async () => {
    const inner = createTestAudioStore();
    const countedUp = (start: number) => Uint8Array.from({ length: 32 }, (_, index) => start + index);
    const header = [Buffer.from('TCAUDIO\x01'), Buffer.from('k1'.padEnd(64, '\0')), countedUp(100)];
    const segment = Buffer.from('afb3163cfea9c74d75bf17f76054c400dfec4b8440a4f49fa979', 'hex');
    inner.files.set('aud_1', Buffer.concat([...header, segment]));
    const keys = { current: 'k1', keys: { k1: countedUp(0) } };
    const opened = await encryptAudioStore(inner, keys).open('aud_1');
    expect((await bytesOf(opened)).toString()).toBe('some audio');
  });

  it('is nowhere in clear text, and has a key of its own each time', async () => {
    const inner = createTestAudioStore();
    const store = encryptAudioStore(inner, newKeys);
    const audio = Buffer.from('zebra audio '.repeat(20_000));
    await store.put(cut(audio, 5_000));
    await store.put(cut(audio, 5_000));
    const [first, second] = [...inner.files.values()].map((bytes) => Buffer.from(bytes));
    for (const file of [first, second]) expect(file?.includes('zebra')).toBe(false);
    for (const start of [72, HEADER, HEADER + SEGMENT + TAG]) {
      const parts = [first, second].map((file) => file?.subarray(start, start + 32).toString('hex'));
      expect(parts[0]).not.toBe(parts[1]);
    }
  });

  it('is read with an older key as long as that is there', async () => {
    const inner = createTestAudioStore();
    const { ref } = await encryptAudioStore(inner, oldKeys).put(cut(Buffer.from('audio'), 2));
    expect((await bytesOf(await encryptAudioStore(inner, newKeys).open(ref))).toString()).toBe('audio');
    const without = encryptAudioStore(inner, { current: 'new', keys: { new: NEW_KEY } });
    const error = await failureOf(async () => bytesOf(await without.open(ref)));
    expect(error).toMatchObject({ code: 'decryption_failed', message: expect.stringContaining("'old'") });
  });

  it('is refused by the inner store where it is empty, before anything was written', async () => {
    const inner = createTestAudioStore();
    const put = vi.spyOn(inner, 'put');
    const store = encryptAudioStore(inner, newKeys);
    for (const audio of [cut(Buffer.alloc(0), 1), Readable.from([Buffer.alloc(0), Buffer.alloc(0)])]) {
      const error = await failureOf(() => store.put(audio));
      expect(error).toBeInstanceOf(UnsupportedSourceError);
      expect(error).toMatchObject({ code: 'empty_source' });
    }
    expect(put).toHaveBeenCalledTimes(2);
    expect(inner.files.size).toBe(0);
  });

  it('is bytes, and nothing else', async () => {
    const store = encryptAudioStore(createTestAudioStore(), newKeys);
    const bytes = Uint8Array.from([1, 2, 3]);
    const { ref } = await store.put(Readable.from([bytes.buffer, new DataView(bytes.buffer)]));
    expect([...(await bytesOf(await store.open(ref)))]).toEqual([1, 2, 3, 1, 2, 3]);
    for (const chunk of ['text', { length: 1 }, 7]) {
      expect(await failureOf(() => store.put(Readable.from([chunk])))).toMatchObject({
        code: 'unsupported_source',
      });
    }
  });
});

describe('an audio source', () => {
  it.each([0, 1, 200_000])(
    'that fails after %i bytes fails the put with its error, and nothing is left',
    async (size) => {
      const inner = createTestAudioStore();
      const failure = new Error('microphone');
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* cut(randomBytes(size), 3_000);
        throw failure;
      }
      expect(await failureOf(() => encryptAudioStore(inner, newKeys).put(failing()))).toBe(failure);
      expect(inner.files.size).toBe(0);
    },
  );

  it('that stands still is let go of at once when the signal aborts', async () => {
    const inner = createTestAudioStore();
    const store = encryptAudioStore(inner, newKeys);
    const stream = new PassThrough();
    stream.write(randomBytes(100_000));
    const read = vi.spyOn(stream, 'read');
    const controller = new AbortController();
    const put = failureOf(() => store.put(stream, { signal: controller.signal }));
    // There is nothing more to read: the source waits.
    await vi.waitFor(() => expect(read).toHaveLastReturnedWith(null));
    await new Promise((resolve) => setImmediate(resolve));
    const reason = new AbortedError('Enough.', { code: 'job_cancelled' });
    controller.abort(reason);
    expect(await put).toBe(reason);
    await vi.waitFor(() => expect(stream.destroyed).toBe(true));
    expect(inner.files.size).toBe(0);
  });

  it('that stands still hears of it, whatever it is', async () => {
    const returned = vi.fn(async () => ({ done: true, value: undefined }) as const);
    const iterator = { next: () => new Promise<never>(() => undefined), return: returned };
    const controller = new AbortController();
    const store = encryptAudioStore(createTestAudioStore(), newKeys);
    const put = failureOf(() =>
      store.put({ [Symbol.asyncIterator]: () => iterator }, { signal: controller.signal }),
    );
    setImmediate(() => controller.abort());
    expect(await put).toBeInstanceOf(AbortedError);
    expect(returned).toHaveBeenCalledTimes(1);
  });

  it('that ends because it was given up is never taken for whole audio', async () => {
    let end: (step: IteratorResult<Uint8Array>) => void = () => undefined;
    const steps = [{ done: false as const, value: Buffer.from('the first half') }];
    const source = {
      next: () => {
        const step = steps.shift();
        return step === undefined
          ? new Promise<IteratorResult<Uint8Array>>((resolve) => {
              end = resolve;
            })
          : Promise.resolve(step);
      },
      return: async () => {
        end({ done: true, value: undefined });
        return { done: true, value: undefined } as const;
      },
    };
    const steadfast: AudioStore = {
      ...createTestAudioStore(),
      async put(audio) {
        const iterator = audio[Symbol.asyncIterator]();
        const next = iterator.next();
        await new Promise((resolve) => setImmediate(resolve));
        await iterator.return?.();
        expect(await next).toEqual({ done: true, value: undefined });
        expect(await iterator.next()).toEqual({ done: true, value: undefined });
        return { ref: 'aud_1', sizeBytes: 1 };
      },
    };
    await encryptAudioStore(steadfast, newKeys).put({ [Symbol.asyncIterator]: () => source });
  });

  it('is closed where the inner store fails, before the put is refused', async () => {
    const failure = new StorageError('Full.', { code: 'storage_full' });
    const full: AudioStore = {
      ...createTestAudioStore(),
      async put(audio) {
        for await (const _chunk of audio) throw failure;
        return expect.unreachable('there is audio');
      },
    };
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* cut(randomBytes(200_000), 3_000);
      } finally {
        await new Promise((resolve) => setImmediate(resolve));
        isClosed = true;
      }
    }
    expect(await failureOf(() => encryptAudioStore(full, newKeys).put(source()))).toBe(failure);
    expect(isClosed).toBe(true);
  });

  it('is not pulled further than the inner store pulls', async () => {
    let pulled = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; pulled < 1_000; pulled++) yield Buffer.alloc(SEGMENT);
    }
    const slow: AudioStore = {
      ...createTestAudioStore(),
      async put(audio) {
        let chunks = 0;
        for await (const _chunk of audio) {
          chunks += 1;
          expect(pulled).toBeLessThanOrEqual(chunks + 1);
        }
        return { ref: 'aud_1', sizeBytes: 1 };
      },
    };
    expect((await encryptAudioStore(slow, newKeys).put(source())).sizeBytes).toBe(1_000 * SEGMENT);
  });
});

describe('audio that was opened', () => {
  async function opened(inner = createTestAudioStore(), size = 300_000) {
    const store = encryptAudioStore(inner, newKeys);
    const { ref } = await store.put(cut(randomBytes(size), 10_000));
    return { inner, store, audio: await store.open(ref), ref };
  }

  it('closes the inner stream when it was read, when reading ends early, and when it is closed', async () => {
    const { inner, store, audio, ref } = await opened();
    expect(inner.opened.size).toBe(1);
    await bytesOf(audio);
    expect(inner.opened.size).toBe(0);
    for await (const _chunk of (await store.open(ref)).chunks) break;
    expect(inner.opened.size).toBe(0);
    const unread = await store.open(ref);
    await unread.close('not needed');
    await unread.close();
    expect(inner.opened.size).toBe(0);
  });

  it('can be closed, or returned, while the inner stream stands still', async () => {
    for (const end of ['close', 'return'] as const) {
      const { inner, ref } = await opened();
      const stream = new PassThrough();
      stream.write(inner.files.get(ref)?.subarray(0, HEADER + 10));
      const close = vi.fn(async () => void stream.destroy());
      const hanging = { ...inner, open: async () => ({ chunks: stream, close }) };
      const audio = await encryptAudioStore(hanging, newKeys).open(ref);
      const iterator = audio.chunks[Symbol.asyncIterator]();
      const read = failureOf(() => iterator.next());
      await vi.waitFor(() => expect(stream.readableLength).toBe(0));
      await (end === 'close' ? audio.close('enough') : iterator.return?.());
      expect(close).toHaveBeenCalled();
      // Whoever gave up reading by return() hears nothing more. Whoever closed must not take it for the end.
      if (end === 'return') expect(await read).toBeUndefined();
      else expect(await read).toMatchObject({ code: 'aborted' });
      if (end === 'close') expect(close).toHaveBeenCalledWith('enough');
    }
  });

  it('has no size where the inner store tells none, and none that cannot be', async () => {
    const inner = createTestAudioStore();
    for (const [sizeBytes, expected] of [
      [undefined, undefined],
      [0, undefined],
      [HEADER, undefined],
      [HEADER + TAG, undefined],
      [HEADER + TAG + 1, 1],
      [HEADER + SEGMENT + TAG, SEGMENT],
      [HEADER + SEGMENT + TAG + 1, undefined],
      [HEADER + SEGMENT + TAG + TAG, undefined],
      [HEADER + SEGMENT + TAG + TAG + 1, SEGMENT + 1],
    ]) {
      const chunks = cut(Buffer.alloc(1), 1);
      const size = sizeBytes === undefined ? {} : { sizeBytes };
      const sized = { ...inner, open: async () => ({ chunks, ...size, close: async () => undefined }) };
      const audio = await encryptAudioStore(sized, newKeys).open('aud_1');
      expect(audio.sizeBytes).toBe(expected);
      expect('sizeBytes' in audio).toBe(expected !== undefined);
      expect('bytes' in audio).toBe(false);
    }
  });

  it('passes a failure of the inner stream through unchanged, and closes it', async () => {
    const { inner, ref } = await opened();
    const failure = new StorageError('Down.', { code: 'storage_unavailable' });
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(inner.files.get(ref) as Uint8Array).subarray(0, 100_000);
      throw failure;
    }
    const close = vi.fn(async () => undefined);
    const broken = { ...inner, open: async () => ({ chunks: failing(), close }) };
    const audio = await encryptAudioStore(broken, newKeys).open(ref);
    expect(await failureOf(() => bytesOf(audio))).toBe(failure);
    expect(close).toHaveBeenCalled();
  });

  it('is refused by the inner store where there is none', async () => {
    const store = encryptAudioStore(createTestAudioStore(), newKeys);
    expect(await failureOf(() => store.open('aud_0'))).toMatchObject({ code: 'audio_not_found' });
  });
});

describe('the members of an encrypted audio store', () => {
  it('are those of the inner one, without url', async () => {
    const inner = { ...createTestAudioStore(), url: async () => 'https://example.com/' };
    const { put, open, delete: remove, capabilities } = inner;
    const store = encryptAudioStore(inner, newKeys);
    const names = ['capabilities', 'close', 'delete', 'health', 'open', 'purge', 'put'];
    expect(Object.keys(store).sort()).toEqual(names);
    expect(store.capabilities).toBe(capabilities);
    const bare = encryptAudioStore({ put, open, delete: remove, capabilities }, newKeys);
    expect(Object.keys(bare).sort()).toEqual(['capabilities', 'delete', 'open', 'put']);
  });

  it('call the inner one as its own, with what they were given, but for the content type', async () => {
    const calls: unknown[] = [];
    class Inner implements AudioStore {
      readonly capabilities = { shared: true, durable: true };
      readonly #answer = 7;
      open = async (): Promise<never> => expect.unreachable('nothing is opened');
      async put(audio: AsyncIterable<Uint8Array>, options?: object) {
        for await (const _chunk of audio);
        calls.push(options);
        return { ref: `aud_${this.#answer}`, sizeBytes: 1 };
      }
      async delete(ref: string) {
        calls.push(ref);
        return this.#answer === 7;
      }
      async purge(query: object) {
        calls.push(query);
        return this.#answer;
      }
    }
    const store = encryptAudioStore(new Inner(), newKeys);
    const { signal } = new AbortController();
    const stored = await store.put(cut(randomBytes(10), 3), { contentType: 'audio/wav', signal });
    expect(stored).toEqual({ ref: 'aud_7', sizeBytes: 10 });
    expect(await store.delete('aud_7')).toBe(true);
    expect(await store.purge?.({ createdBefore: '2026-01-01T00:00:00.000Z' })).toBe(7);
    expect(calls).toEqual([{ signal }, 'aud_7', { createdBefore: '2026-01-01T00:00:00.000Z' }]);
  });
});

async function* cutAtRandom(bytes: Uint8Array, random: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; ) {
    const size = Math.floor(random() ** 4 * 200_000);
    yield bytes.slice(at, at + size);
    at += size;
  }
}
