import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { encryptAudioStore } from '../../src/adapters/encryption/index.js';
import type { AudioStore } from '../../src/contracts/index.js';
import { AbortedError, StorageError, UnsupportedSourceError } from '../../src/errors/index.js';
import { bytesOf, createTestAudioStore, cut, failureOf, newKeys } from './encryption-samples.js';

const SEGMENT = 65_536;
const HEADER = 104;
const TAG = 16;

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

  it('is let go of where its signal has aborted already, or nobody reads it', async () => {
    const refusing: AudioStore = {
      ...createTestAudioStore(),
      async put(audio) {
        await audio[Symbol.asyncIterator]().return?.();
        throw new StorageError('Full.', { code: 'storage_full' });
      },
    };
    for (const inner of [createTestAudioStore(), refusing]) {
      const stream = new PassThrough();
      const put = encryptAudioStore(inner, newKeys).put(stream, { signal: AbortSignal.abort() });
      expect(await failureOf(() => put)).toBeInstanceOf(inner === refusing ? StorageError : AbortedError);
      await vi.waitFor(() => expect(stream.destroyed).toBe(true));
    }
  });

  it('that breaks before it is read does not end the process', async () => {
    const late: AudioStore = {
      ...createTestAudioStore(),
      async put(audio) {
        await new Promise((resolve) => setImmediate(resolve));
        return createTestAudioStore().put(audio);
      },
    };
    const failure = new Error('microphone');
    const stream = new PassThrough();
    const put = failureOf(() => encryptAudioStore(late, newKeys).put(stream));
    stream.destroy(failure);
    expect(await put).toBe(failure);
  });

  it('is an async iterable, and nothing else', async () => {
    const store = encryptAudioStore(createTestAudioStore(), newKeys);
    for (const audio of [undefined, null, 'text', randomBytes(3), {}, () => undefined]) {
      const put = () => store.put(audio as unknown as AsyncIterable<Uint8Array>);
      expect(await failureOf(put)).toBeInstanceOf(UnsupportedSourceError);
    }
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
