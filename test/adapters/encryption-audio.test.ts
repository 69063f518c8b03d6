import { createDecipheriv, hkdfSync, randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { encryptAudioStore } from '../../src/adapters/encryption/index.js';
import type { AudioStore } from '../../src/contracts/index.js';
import { BadRequestError, UnsupportedSourceError } from '../../src/errors/index.js';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import {
  bytesOf,
  createTestAudioStore,
  cut,
  failureOf,
  NEW_KEY,
  newKeys,
  oldKeys,
} from './encryption-samples.js';

const SEGMENT = 65_536;
const HEADER = 104;
const TAG = 16;

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
    const random = createRandom(seed);
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
    for (const options of [null, { contentTyp: 'audio/wav' }]) {
      const error = await failureOf(() => store.put(cut(randomBytes(10), 3), options as object));
      expect(error).toBeInstanceOf(BadRequestError);
    }
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
