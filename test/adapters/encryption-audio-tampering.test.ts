import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encryptAudioStore } from '../../src/adapters/encryption/index.js';
import { createTestAudioStore, cut, expectRefused, newKeys, oldKeys } from './encryption-samples.js';

const HEADER = 104;
const SEALED = 65_552;
const TAG = 16;
const SIZE = 3 * 65_536 + 1_000;

/** Audio of three whole segments and a short one, and a way to open other things in its place. */
async function tampering(size = SIZE) {
  const inner = createTestAudioStore(50_000);
  const store = encryptAudioStore(inner, newKeys);
  const audio = randomBytes(size);
  const { ref } = await store.put(cut(audio, 10_000));
  const sealed = Buffer.from(inner.files.get(ref) as Uint8Array);
  const header = sealed.subarray(0, HEADER);
  const segments: Buffer[] = [];
  for (let at = HEADER; at < sealed.length; at += SEALED) segments.push(sealed.subarray(at, at + SEALED));
  /** Resolves to how much was read before the end was refused. All of that is the start of the audio. */
  const refuses = async (stored: Uint8Array, what: string): Promise<number> => {
    inner.files.set(ref, stored);
    const parts: Uint8Array[] = [];
    await expectRefused(async () => {
      for await (const chunk of (await store.open(ref)).chunks) parts.push(chunk);
    }, what);
    const read = Buffer.concat(parts);
    expect(read.equals(audio.subarray(0, read.length)), what).toBe(true);
    expect(inner.opened.size, what).toBe(0);
    return read.length;
  };
  return { inner, store, ref, sealed, header, segments, refuses };
}

function flipped(bytes: Uint8Array, index: number, bit = 0): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index] = (copy[index] as number) ^ (1 << bit);
  return copy;
}

describe('encrypted audio is refused', () => {
  it('where any bit of the header is another', async () => {
    const { sealed, refuses } = await tampering();
    for (let index = 0; index < HEADER; index++) {
      for (const bit of [0, 5, 7]) expect(await refuses(flipped(sealed, index, bit), `${index}`)).toBe(0);
    }
  });

  it('where a byte of a segment or of its tag is another: what came before is read', async () => {
    const { sealed, segments, refuses } = await tampering();
    for (const [number, segment] of segments.entries()) {
      const start = HEADER + number * SEALED;
      const end = segment.length;
      const places = [
        0,
        1,
        32_768,
        end - TAG - 1,
        ...Array.from({ length: TAG }, (_, index) => end - 1 - index),
      ];
      for (const place of places.filter((index) => index < end)) {
        const read = await refuses(flipped(sealed, start + place), `segment ${number}, byte ${place}`);
        expect(read).toBe(number * 65_536);
      }
    }
  });

  it.each([SIZE, 3 * 65_536])('where %i bytes were cut off, anywhere', async (size) => {
    const { sealed, refuses } = await tampering(size);
    const boundaries = [0, 1, 2, 3, 4].map((number) => HEADER + number * SEALED);
    const around = boundaries.flatMap((at) => [at - 17, at - 16, at - 1, at, at + 1, at + 16, at + 17]);
    const places = [0, 1, 8, 72, ...around, sealed.length - 1, sealed.length - TAG];
    for (const length of places.filter((place) => place >= 0 && place < sealed.length)) {
      await refuses(sealed.subarray(0, length), `${length} of ${sealed.length} bytes`);
    }
  });

  it('where segments were left out, doubled or put in another order', async () => {
    const { header, segments, refuses } = await tampering();
    const orders = [
      ...[[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [3], [0, 3]],
      ...[
        [0, 0, 1, 2, 3],
        [0, 1, 1, 2, 3],
        [0, 1, 2, 3, 3],
        [0, 1, 2, 3, 0],
      ],
      ...[[1, 0, 2, 3], [0, 2, 1, 3], [2, 1, 0, 3], [3, 0, 1, 2], []],
    ];
    for (const order of orders) {
      const parts = order.map((index) => segments[index] as Buffer);
      await refuses(Buffer.concat([header, ...parts]), order.join());
    }
  });

  it('where the last segment is a whole one, and segments were left out or added', async () => {
    const { header, segments, refuses } = await tampering(2 * 65_536);
    expect(segments).toHaveLength(2);
    for (const order of [[0], [1], [1, 0], [0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]]) {
      const parts = order.map((index) => segments[index] as Buffer);
      await refuses(Buffer.concat([header, ...parts]), order.join());
    }
  });

  it('where something was appended or inserted', async () => {
    const { sealed, header, segments, refuses } = await tampering();
    for (const size of [1, 15, 16, 17, SEALED - 1_016, SEALED, 100_000]) {
      for (const more of [Buffer.alloc(size), randomBytes(size)]) {
        await refuses(Buffer.concat([sealed, more]), `${size} bytes`);
        await refuses(Buffer.concat([header, more, ...segments]), `${size} bytes after the header`);
        await refuses(Buffer.concat([more, sealed]), `${size} bytes before the header`);
      }
    }
    await refuses(Buffer.concat([sealed, sealed]), 'twice');
  });

  it('where parts of it are from other audio under the same key', async () => {
    const { inner, store, header, segments, refuses } = await tampering();
    const { ref } = await store.put(cut(randomBytes(SIZE), 10_000));
    const other = Buffer.from(inner.files.get(ref) as Uint8Array);
    await refuses(Buffer.concat([other.subarray(0, HEADER), ...segments]), 'header');
    await refuses(Buffer.concat([header, other.subarray(HEADER)]), 'segments');
    for (const number of [0, 1, 2, 3]) {
      const parts = segments.map((segment, index) =>
        index === number ? other.subarray(HEADER + index * SEALED).subarray(0, segment.length) : segment,
      );
      await refuses(Buffer.concat([header, ...parts]), `segment ${number}`);
    }
  });

  it('where its key has another name, or the name has another key', async () => {
    const { inner, ref, sealed, refuses } = await tampering();
    for (const name of ['old', 'gone', '', 'ne w', 'n\0w', '\0new', '-'.repeat(64), 'ä']) {
      const renamed = Buffer.from(sealed);
      renamed.fill(0, 8, 72).write(name, 8, 'latin1');
      expect(await refuses(renamed, name)).toBe(0);
    }
    inner.files.set(ref, sealed);
    const swapped = { current: 'new', keys: { new: oldKeys.keys.old as Uint8Array } };
    const store = encryptAudioStore(inner, swapped);
    const { message } = await expectRefused(async () => {
      for await (const _chunk of (await store.open(ref)).chunks) expect.unreachable('a chunk was let out');
    });
    expect(message).toContain("'new'");
    expect(message).toContain(ref);
  });

  it('with a word of advice, where its format is another', async () => {
    const { inner, store, ref, sealed } = await tampering();
    for (const index of [0, 7]) {
      inner.files.set(ref, flipped(sealed, index));
      const { chunks } = await store.open(ref);
      const { message } = await expectRefused(() => chunks[Symbol.asyncIterator]().next());
      expect(message).toContain('a newer version');
    }
  });

  it('where it is not encrypted, or nothing', async () => {
    const { refuses } = await tampering();
    for (const plain of [Buffer.alloc(0), Buffer.from('RIFF'), Buffer.alloc(300_000), randomBytes(300_000)]) {
      await refuses(plain, `${plain.length} bytes`);
    }
  });
});
