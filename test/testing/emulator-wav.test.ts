import {
  type DeepgramEmulator,
  encodeWav,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORIZATION, CORRUPT, post, transcriptOf } from './emulator-http-client.js';

const TEXT = 'hello big world';
const WAV = synthesizeSpeech(TEXT).audio;

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('audio that is WAV', () => {
  const pcm = synthesizeSpeech(TEXT).pcm;
  const samples = Buffer.from(encodeWav(pcm, { sampleRate: 16_000, channels: 1 })).subarray(44);

  interface WavParts {
    readonly tag?: number;
    readonly bits?: number;
    readonly before?: Buffer;
    readonly length?: number;
    readonly after?: Buffer;
    readonly extension?: Buffer;
  }

  function wav({ tag = 1, bits = 16, before, length, after, extension }: WavParts): Buffer {
    const format = Buffer.alloc(16);
    format.writeUInt16LE(tag, 0);
    format.writeUInt16LE(1, 2);
    format.writeUInt32LE(16_000, 4);
    format.writeUInt32LE(32_000, 8);
    format.writeUInt16LE(2, 12);
    format.writeUInt16LE(bits, 14);
    const parts = [
      Buffer.from('WAVE'),
      before ?? Buffer.alloc(0),
      chunk('fmt ', Buffer.concat([format, extension ?? Buffer.alloc(0)])),
      chunk('data', samples, length),
      after ?? Buffer.alloc(0),
    ];
    return chunk('RIFF', Buffer.concat(parts));
  }

  function chunk(name: string, body: Buffer, length = body.length): Buffer {
    const header = Buffer.alloc(8, name);
    header.writeUInt32LE(length, 4);
    return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
  }

  const pcmGuid = Buffer.concat([
    Buffer.from([22, 0, 16, 0, 0, 0, 0, 0, 1, 0]),
    Buffer.from('000000001000800000aa00389b71', 'hex'),
  ]);

  it.each<[string, WavParts]>([
    ['plain', {}],
    ['with a chunk of odd length before', { before: chunk('LIST', Buffer.from('abc')) }],
    ['with a chunk behind', { after: chunk('LIST', Buffer.alloc(3000, 'x')) }],
    ['extensible', { tag: 0xfffe, extension: pcmGuid }],
    ['of length 0', { length: 0 }],
    ['of unknown length', { length: 0xffffffff }],
    ['cut short', { length: samples.length + 5000 }],
  ])('is read: %s', async (_name, parts) => {
    const { status, body } = await post(emulator, '/v1/listen', wav(parts));
    expect(status).toBe(200);
    expect(transcriptOf(body)).toBe(TEXT);
    expect(body.metadata.duration).toBe(pcm.length / 16_000);
  });

  it.each<[string, Uint8Array]>([
    ['nothing at all', new Uint8Array(0)],
    ['noise', Buffer.alloc(1000, 9)],
    ['JSON without its content type', Buffer.from('{"url":"http://127.0.0.1/"}')],
    ['a header without audio', encodeWav(new Int16Array(0), { sampleRate: 16_000, channels: 1 })],
    ['half a header', WAV.subarray(0, 30)],
    ['8-bit', wav({ bits: 8 })],
    ['24-bit', wav({ bits: 24 })],
    ['float', wav({ tag: 3, bits: 32 })],
    [
      'extensible float',
      wav({ tag: 0xfffe, extension: Buffer.from(pcmGuid.map((byte, i) => (i === 8 ? 3 : byte))) }),
    ],
  ])('is refused: %s', async (_name, bytes) => {
    const { status, body } = await post(emulator, '/v1/listen', bytes, {
      ...AUTHORIZATION,
      'content-type': 'audio/wav',
    });
    expect(status).toBe(400);
    expect(body).toMatchObject(CORRUPT);
  });
});
