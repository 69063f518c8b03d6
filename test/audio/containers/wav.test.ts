import { encodeWav, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { expectExactCuts } from './cut-checks.js';
import { followStream, unlikeSamples } from './streams.js';

const RATE = 16_000;
const PCM = Buffer.from(unlikeSamples(RATE * 1.2).buffer);

interface WavParts {
  readonly kind?: 'RIFF' | 'RF64';
  readonly tag?: number;
  readonly channels?: number;
  readonly bits?: number;
  /** What the data chunk claims. */
  readonly size?: number;
  readonly longSize?: bigint;
  readonly before?: Buffer;
  readonly after?: Buffer;
  readonly data?: Buffer;
  readonly extension?: Buffer;
  readonly blockAlign?: number;
}

function wav(parts: WavParts = {}): Uint8Array {
  const { kind = 'RIFF', tag = 1, channels = 1, bits = 16, data = PCM, extension = Buffer.alloc(0) } = parts;
  const format = Buffer.alloc(16);
  format.writeUInt16LE(tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(RATE, 4);
  format.writeUInt16LE(parts.blockAlign ?? 0, 12);
  format.writeUInt16LE(bits, 14);
  const sizes = Buffer.alloc(28);
  sizes.writeBigUInt64LE(parts.longSize ?? 0n, 8);
  return Buffer.concat([
    Buffer.from(`${kind}\0\0\0\0WAVE`),
    kind === 'RF64' ? chunk('ds64', sizes) : Buffer.alloc(0),
    parts.before ?? Buffer.alloc(0),
    chunk('fmt ', Buffer.concat([format, extension])),
    chunk('data', data, parts.size ?? data.length),
    parts.after ?? Buffer.alloc(0),
  ]);
}

function chunk(name: string, body: Buffer, size = body.length): Buffer {
  const head = Buffer.alloc(8, name);
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** The codec's tag in an extensible header. */
const EXTENSION = Buffer.concat([Buffer.from([22, 0, 16, 0, 0, 0, 0, 0, 1, 0]), Buffer.alloc(14)]);
const LIST = chunk('LIST', Buffer.alloc(301, 'x'));

describe('A WAV stream', () => {
  it.each<[string, WavParts]>([
    ['of a known length', {}],
    ['of length 0', { size: 0 }],
    ['of the largest length', { size: 0xffff_ffff }],
    ['of the length that SoX writes to pipes', { size: 0x7fff_f000 }],
    ['with RF64 and a known length', { kind: 'RF64', size: 0xffff_ffff, longSize: BigInt(PCM.length) }],
    ['with RF64 and no length', { kind: 'RF64', size: 0xffff_ffff }],
    ['with a chunk of odd length before', { before: LIST }],
    ['with an extensible header', { tag: 0xfffe, extension: EXTENSION }],
    ['of two channels', { channels: 2 }],
    ['of 24 bits', { bits: 24 }],
    ['of 8 bits', { bits: 8, data: PCM.subarray(0, 16_001) }],
    ['of floats', { tag: 3, bits: 32, data: PCM.subarray(0, 16_000) }],
    ['of µ-law', { tag: 7, bits: 8, data: PCM.subarray(0, 16_000) }],
    ['with a wrong block size in its header', { blockAlign: 7 }],
  ])('is heard from each cut point on: %s', (_name, parts) => {
    const whole = wav({ ...parts, kind: 'RIFF', size: 0 });
    const cuts = expectExactCuts(wav(parts), whole);
    const seconds = cuts.map((cut) => cut.seconds);
    expect(seconds[0]).toBe(0);
    expect(Math.max(...seconds.slice(1).map((at, index) => at - (seconds[index] ?? 0)))).toBeLessThanOrEqual(
      0.1,
    );
  });

  it('that synthesizeSpeech makes is heard from each cut point on', () => {
    for (const sampleRate of [8000, 22_050, 44_100]) {
      const { audio } = synthesizeSpeech('hello', { sampleRate, channels: 2 });
      const { container } = followStream(audio, () => 100);
      expect(container.bytesPerSecond).toBe(sampleRate * 4);
      expectExactCuts(audio);
    }
  });

  it('has a header for audio of any length, and it is the same but for the sizes', () => {
    const bytes = encodeWav(unlikeSamples(100), { sampleRate: RATE, channels: 1 });
    const { container } = followStream(bytes, () => 3);
    const expected = bytes.slice(0, 44);
    expected.fill(0xff, 4, 8).fill(0xff, 40, 44);
    expect(container.header).toEqual(expected);
  });

  it('has no header before its first byte of audio may come, nor a speed', () => {
    const bytes = wav();
    const { container } = followStream(bytes.subarray(0, 43), () => 5);
    expect(container.header).toBeUndefined();
    expect(container.bytesPerSecond).toBeUndefined();
    expect(container.push(bytes.subarray(43, 44))).toEqual([]);
    expect(container.header).toHaveLength(44);
    expect(container.push(bytes.subarray(44, 45))).toEqual([{ position: 44, seconds: 0 }]);
  });

  it('has no cut points in what follows its audio', () => {
    for (const parts of [{}, { kind: 'RF64', size: 0xffff_ffff, longSize: BigInt(PCM.length) }] as const) {
      const plain = followStream(wav(parts), () => 777).cuts;
      expect(followStream(wav({ ...parts, after: Buffer.alloc(9000, 'x') }), () => 777).cuts).toEqual(plain);
    }
  });

  it('that is longer than its header says has cut points as if it said nothing', () => {
    const data = Buffer.alloc(RATE * 2 * 10);
    const endless = followStream(wav({ data, size: 0 }), () => 1000).cuts;
    expect(followStream(wav({ data, size: RATE * 2 }), () => 1000).cuts).toEqual(endless);
  });

  it('of ADPCM is cut between blocks, of which the header tells how many samples they hold', () => {
    const extension = Buffer.from([2, 0, 505 & 0xff, 505 >> 8]);
    const bytes = wav({ tag: 0x11, bits: 4, blockAlign: 256, extension, data: Buffer.alloc(256 * 10) });
    const { container, cuts } = followStream(bytes, () => 100);
    expect(cuts.slice(0, 2)).toEqual([
      { position: 48, seconds: 0 },
      { position: 48 + 256, seconds: 505 / RATE },
    ]);
    expect(container.bytesPerSecond).toBeCloseTo((256 * RATE) / 505, 6);
  });

  it.each<[string, Uint8Array]>([
    ['MP3', wav({ tag: 0x55 })],
    ['no channel', wav({ channels: 0 })],
    ['no bits', wav({ bits: 0 })],
    ['no format', Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), chunk('data', PCM)])],
    [
      'a short format',
      Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), chunk('fmt ', Buffer.alloc(14)), chunk('data', PCM)]),
    ],
    ['a header that is too long', wav({ before: chunk('LIST', Buffer.alloc(270_000)) })],
    ['a header of many chunks that is too long', wav({ before: Buffer.concat(Array(900).fill(LIST)) })],
    ['a chunk that claims to be endless', wav({ before: chunk('LIST', LIST, 0xffff_fff0) })],
  ])('has neither header nor cut points: %s', (_name, bytes) => {
    const { container, cuts } = followStream(bytes, () => 1000);
    expect(cuts).toEqual([]);
    expect(container.header).toBeUndefined();
  });
});
