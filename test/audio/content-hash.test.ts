import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type AudioSource, fromFile, fromStream } from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashSource } from '../../src/audio/content-hash.js';
import { resolveSource } from '../../src/audio/resolve.js';
import { failureOf } from '../support/client.js';

const AUDIO = new Uint8Array(3_000_000).map((_, index) => index % 251);
const EXPECTED = `sha256:${createHash('sha256').update(AUDIO).digest('hex')}`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hash-'));
  await writeFile(join(folder, 'a.wav'), AUDIO);
});

afterAll(() => rm(folder, { recursive: true }));

function hashOf(source: AudioSource, signal = new AbortController().signal): Promise<string> {
  return hashSource(resolveSource(source), signal);
}

function* pieces(size: number): Generator<Uint8Array> {
  for (let start = 0; start < AUDIO.length; start += size) yield AUDIO.subarray(start, start + size);
}

const KINDS: Record<string, () => AudioSource> = {
  bytes: () => AUDIO,
  'an ArrayBuffer': () => AUDIO.slice().buffer,
  'a Blob': () => new Blob([AUDIO], { type: 'audio/wav' }),
  'a file': () => fromFile(join(folder, 'a.wav')),
  'a Readable': () => Readable.from(pieces(100_001)),
  'a web stream': () => new Blob([AUDIO]).stream(),
  'a stream that can be opened again': () => fromStream(() => Readable.from(pieces(7_777))),
  'a Request': () => new Request('http://localhost/', { method: 'POST', body: AUDIO }),
  'a Response': () => new Response(AUDIO),
};

describe('the hash of a source', () => {
  it.each(Object.keys(KINDS))('is that of its bytes: %s', async (name) => {
    expect(await hashOf(KINDS[name]?.() as AudioSource)).toBe(EXPECTED);
  });

  it('differs by a single byte, and between a URL and audio that is the same text', async () => {
    const other = AUDIO.slice();
    other[other.length - 1] = 255;
    expect(await hashOf(other)).not.toBe(EXPECTED);
    const url = 'https://example.com/a.wav';
    expect(await hashOf(url)).toBe(await hashOf(new URL(url)));
    expect(await hashOf(url)).not.toBe(await hashOf(new TextEncoder().encode(url)));
    expect(await hashOf(url)).not.toBe(await hashOf(`${url}?v=2`));
  });

  it('refuses empty audio', async () => {
    for (const source of [new Uint8Array(0), new Blob([]), Readable.from([])]) {
      expect((await failureOf(hashOf(source))).code).toBe('empty_source');
    }
  });

  it('ends with the signal while a stream stands still, and closes it', async () => {
    const streams = [
      () => new Readable({ read: () => undefined }),
      () => new Promise<never>(() => undefined),
    ];
    for (const openStream of streams) {
      const opened: unknown[] = [];
      const source = fromStream(() => {
        const stream = openStream();
        opened.push(stream);
        return stream;
      });
      const controller = new AbortController();
      const failure = failureOf(hashOf(source, controller.signal));
      await vi.waitFor(() => expect(opened).toHaveLength(1));
      controller.abort();
      expect((await failure).code).toBe('aborted');
      const [stream] = opened;
      if (stream instanceof Readable) expect(stream.destroyed).toBe(true);
    }
  });
});

const MEGABYTE = 1024 * 1024;

describe('hashing much audio', () => {
  /** How often the event loop came round. Unlike milliseconds, that does not depend on the machine. */
  async function turnsWhile(work: Promise<unknown>): Promise<number> {
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    turn();
    await work;
    isOver = true;
    return turns;
  }

  it('lets the event loop go on after each megabyte, whatever the size of the chunks', async () => {
    const path = join(folder, 'big.wav');
    const file = await open(path, 'w');
    await file.truncate(128 * MEGABYTE);
    await file.close();
    const small = new Uint8Array(16 * 1024);
    // All of it is there at once: no read gives the event loop its turn.
    async function* flood(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 128 * 64; count += 1) yield small;
    }
    for (const source of [fromFile(path), fromStream(flood), new Uint8Array(128 * MEGABYTE)]) {
      expect(await turnsWhile(hashOf(source))).toBeGreaterThanOrEqual(127);
    }
  });

  it('takes no memory for it', async () => {
    const path = join(folder, 'huge.wav');
    const file = await open(path, 'w');
    await file.truncate(512 * MEGABYTE);
    await file.close();
    const before = process.memoryUsage().rss;
    await hashOf(fromFile(path));
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MEGABYTE);
  });
});
