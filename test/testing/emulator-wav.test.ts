import {
  type AudioProblem,
  type DeepgramEmulator,
  encodeWav,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORIZATION, CORRUPT, post, transcriptOf } from './emulator-http-client.js';
import { encodeAlaw, encodeMulaw } from './g711.js';

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
    readonly data?: Buffer;
    readonly channels?: number;
  }

  function wav({
    tag = 1,
    bits = 16,
    before,
    length,
    after,
    extension,
    data,
    channels = 1,
  }: WavParts): Buffer {
    const format = Buffer.alloc(16);
    format.writeUInt16LE(tag, 0);
    format.writeUInt16LE(channels, 2);
    format.writeUInt32LE(16_000, 4);
    format.writeUInt32LE(32_000, 8);
    format.writeUInt16LE(2, 12);
    format.writeUInt16LE(bits, 14);
    const parts = [
      Buffer.from('WAVE'),
      before ?? Buffer.alloc(0),
      chunk('fmt ', Buffer.concat([format, extension ?? Buffer.alloc(0)])),
      chunk('data', data ?? samples, length),
      after ?? Buffer.alloc(0),
    ];
    return chunk('RIFF', Buffer.concat(parts));
  }

  function chunk(name: string, body: Buffer, length = body.length): Buffer {
    const header = Buffer.alloc(8, name);
    header.writeUInt32LE(length, 4);
    return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
  }

  /** What follows the format of an extensible header, with the codec's tag. */
  function guidOf(tag: number): Buffer {
    return Buffer.concat([
      Buffer.from([22, 0, 16, 0, 0, 0, 0, 0, tag, 0]),
      Buffer.from('000000001000800000aa00389b71', 'hex'),
    ]);
  }

  /** The samples with more bits, all of them 0. */
  function widened(bytes: number): Buffer {
    const data = Buffer.alloc(pcm.length * bytes);
    for (const [index, sample] of pcm.entries()) data.writeInt16LE(sample, index * bytes + bytes - 2);
    return data;
  }

  const floats = Buffer.from(Float32Array.from(pcm, (sample) => sample / 32_768).buffer);

  it.each<[string, WavParts]>([
    ['plain', {}],
    ['with a chunk of odd length before', { before: chunk('LIST', Buffer.from('abc')) }],
    ['with a chunk behind', { after: chunk('LIST', Buffer.alloc(3000, 'x')) }],
    ['extensible', { tag: 0xfffe, extension: guidOf(1) }],
    ['of length 0', { length: 0 }],
    ['of unknown length', { length: 0xffffffff }],
    ['cut short', { length: samples.length + 5000 }],
    ['with half a sample at the end', { data: Buffer.concat([samples, Buffer.from([1])]) }],
    ['8-bit', { bits: 8, data: Buffer.from(Uint8Array.from(pcm, (sample) => (sample >> 8) + 128)) }],
    ['24-bit', { bits: 24, data: widened(3) }],
    ['32-bit', { bits: 32, data: widened(4) }],
    ['float', { tag: 3, bits: 32, data: floats }],
    ['extensible float', { tag: 0xfffe, bits: 32, extension: guidOf(3), data: floats }],
    ['A-law', { tag: 6, bits: 8, data: Buffer.from(Uint8Array.from(pcm, encodeAlaw)) }],
    ['\u00b5-law', { tag: 7, bits: 8, data: Buffer.from(Uint8Array.from(pcm, encodeMulaw)) }],
  ])('is read: %s', async (_name, parts) => {
    const { status, body } = await post(emulator, '/v1/listen', wav(parts));
    expect(status).toBe(200);
    expect(transcriptOf(body)).toBe(TEXT);
    expect(body.metadata.duration).toBe(pcm.length / 16_000);
  });

  it.each<[string, Uint8Array, AudioProblem, RegExp]>([
    ['nothing at all', new Uint8Array(0), 'empty', /there is none/],
    ['one byte', new Uint8Array([82]), 'unknownFormat', /1 bytes/],
    ['noise', Buffer.alloc(1000, 9), 'unknownFormat', /no format that is known/],
    [
      'JSON without its content type',
      Buffer.from('{"url":"http://127.0.0.1/"}'),
      'unknownFormat',
      /no format that is known/,
    ],
    ['no RIFF', Buffer.from(WAV.subarray(12)), 'unknownFormat', /no format that is known/],
    ['RIFF of another kind', Buffer.from('RIFF....AVI LIST'), 'unknownFormat', /no format that is known/],
    ['RIFF without fmt', chunk('RIFF', riffOf(chunk('data', samples))), 'corrupt', /no fmt chunk/],
    ['fmt without data', WAV.subarray(0, 36), 'corrupt', /ends before a data chunk/],
    ['half a header', WAV.subarray(0, 30), 'corrupt', /ends before a data chunk/],
    ['RIFF alone', Buffer.from('RIFF'), 'corrupt', /ends before a data chunk/],
    ['a short fmt', chunk('RIFF', riffOf(chunk('fmt ', Buffer.alloc(14)))), 'corrupt', /too short/],
    ['no channel', wav({ channels: 0 }), 'corrupt', /no channel/],
    ['a chunk without end', wav({ before: endless('LIST') }), 'corrupt', /no end/],
    [
      'a header without audio',
      encodeWav(new Int16Array(0), { sampleRate: 16_000, channels: 1 }),
      'empty',
      /there is none/,
    ],
    ['a header and half a sample', wav({ data: Buffer.from([1]) }), 'empty', /there is none/],
    ['ADPCM', wav({ tag: 17, bits: 4 }), 'noDecoder', /no decoder for WAV with the codec 17 and 4 bits/],
    ['12-bit', wav({ bits: 12 }), 'noDecoder', /codec 1 and 12 bits/],
    ['double precision', wav({ tag: 3, bits: 64 }), 'noDecoder', /codec 3 and 64 bits/],
    ['FLAC', Buffer.from('fLaC\0\0\0\0"'), 'noDecoder', /FLAC/],
    ['MP3', Buffer.from('ID3\u0003\0\0\0\0\0\0'), 'noDecoder', /MP3/],
    ['MP4', Buffer.from('\0\0\0\u0018ftypM4A \0\0\0\0'), 'noDecoder', /MP4/],
  ])('is refused: %s', async (_name, bytes, problem, text) => {
    const { status, body } = await post(emulator, '/v1/listen', bytes, {
      ...AUTHORIZATION,
      'content-type': 'audio/wav',
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ ...CORRUPT, request_id: emulator.requests[0]?.requestId });
    expect(body.err_msg).toMatch(text);
    expect(emulator.requests[0]).toMatchObject({ audioProblem: problem, words: 0, status: 400 });
  });

  function riffOf(body: Buffer): Buffer {
    return Buffer.concat([Buffer.from('WAVE'), body]);
  }

  /** A chunk that claims to be longer than any header. */
  function endless(name: string): Buffer {
    return chunk(name, Buffer.alloc(10), 0x7fffffff);
  }
});
