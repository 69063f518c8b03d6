import {
  type AudioProblem,
  type DeepgramEmulator,
  encodeWebm,
  startDeepgramEmulator,
  synthesizeSpeech,
  type WebmFormat,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeStream, finals, framesOf, openLive, sendFrames, textOf } from './emulator-client.js';
import { openFlux } from './emulator-flux-client.js';

const TEXT = 'hello big world and all who hear this';
const SAMPLE_RATE = 16_000;
const RAW = synthesizeSpeech(TEXT, { container: 'raw' }).audio;
const PCM = new Int16Array(RAW.buffer.slice(RAW.byteOffset, RAW.byteOffset + RAW.byteLength));
const WEBM = encodeWebm(PCM, { sampleRate: SAMPLE_RATE, channels: 1 });
const CLUSTER = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);
const FIRST_CLUSTER = Buffer.from(WEBM).indexOf(CLUSTER);
const SECOND_CLUSTER = Buffer.from(WEBM).indexOf(CLUSTER, FIRST_CLUSTER + 1);
const HEADER = WEBM.subarray(0, FIRST_CLUSTER);

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

async function transcribe(
  body: Uint8Array,
): Promise<{ status: number; text: string | undefined; error: string | undefined }> {
  const response = await fetch(`${emulator.url}/v1/listen`, {
    method: 'POST',
    headers: { authorization: 'Token key', 'content-type': 'audio/webm;codecs=pcm' },
    body: Buffer.from(body),
  });
  const answer = (await response.json()) as {
    err_msg?: string;
    results?: { channels: { alternatives: { transcript: string }[] }[] };
  };
  return {
    status: response.status,
    text: answer.results?.channels[0]?.alternatives[0]?.transcript,
    error: answer.err_msg,
  };
}

describe('WebM with PCM', () => {
  it.each<WebmFormat>([
    { sampleRate: SAMPLE_RATE, channels: 1 },
    { sampleRate: SAMPLE_RATE, channels: 1, sample: 'float32' },
    { sampleRate: SAMPLE_RATE, channels: 1, sample: 'int16' },
  ])('is transcribed as a recording: %o', async (format) => {
    expect(await transcribe(encodeWebm(PCM, format))).toMatchObject({ status: 200, text: TEXT });
  });

  it('may have several channels', async () => {
    const stereo = synthesizeSpeech(TEXT, { container: 'raw', channels: 2, sampleRate: 48_000 }).audio;
    const pcm = new Int16Array(stereo.buffer.slice(stereo.byteOffset, stereo.byteOffset + stereo.byteLength));
    const client = await openLive(emulator, { multichannel: 'true' });
    sendFrames(client, encodeWebm(pcm, { sampleRate: 48_000, channels: 2 }), 5000);
    const messages = await closeStream(client);
    expect(textOf(finals(messages, 0))).toBe(TEXT);
    expect(textOf(finals(messages, 1))).toBe('');
    expect(messages.at(-1)?.channels).toBe(2);
  });

  it.each([1, 7, 641, 5000, 1_000_000])('is transcribed live in pieces of %i bytes', async (bytes) => {
    const audio = bytes === 1 ? WEBM.subarray(0, FIRST_CLUSTER + 200) : WEBM;
    const client = await openLive(emulator, {});
    sendFrames(client, audio, bytes);
    if (bytes === 1) sendFrames(client, WEBM.subarray(audio.byteLength));
    expect(textOf(finals(await closeStream(client)))).toBe(TEXT);
  });

  it('goes on with its header again at the next cluster, as a client does after a reconnect', async () => {
    const client = await openLive(emulator, {});
    sendFrames(client, Buffer.concat([HEADER, WEBM.subarray(SECOND_CLUSTER)]));
    const text = textOf(finals(await closeStream(client)));
    expect(TEXT.endsWith(text.split(' ').slice(1).join(' '))).toBe(true);
    expect(text).toContain('hear this');
  });

  const opusInWebm = Buffer.from(HEADER);
  opusInWebm.write('A_OPUS'.padEnd('A_PCM/FLOAT/IEEE'.length, '\0'), codecAt());
  const clusters = WEBM.subarray(FIRST_CLUSTER);
  const [head, tags, ...pages] = [
    oggPage(2, 0, 'OpusHead'),
    oggPage(0, 0, 'OpusTags'),
    oggPage(0, 960),
    oggPage(0, 1920),
  ];
  const ogg = Buffer.concat([head, tags, ...pages]);
  const oggHeader = Buffer.concat([head, tags]);

  it.each<[string, Uint8Array, AudioProblem, RegExp]>([
    ['that lacks its header', clusters, 'lacksHeader', /WebM stream lacks its header/],
    [
      'that resumes inside a block, without a header',
      WEBM.subarray(SECOND_CLUSTER - 1234),
      'resumesInside',
      /inside a block/,
    ],
    [
      'that resumes inside a block',
      Buffer.concat([HEADER, WEBM.subarray(FIRST_CLUSTER + 1234)]),
      'resumesInside',
      /inside a block/,
    ],
    [
      'with a hole inside a block',
      Buffer.concat([WEBM.subarray(0, FIRST_CLUSTER + 2500), WEBM.subarray(FIRST_CLUSTER + 9999)]),
      'resumesInside',
      /inside a block/,
    ],
    ['with an unknown codec', withCodec('B'), 'noDecoder', /no decoder for B_PCM/],
    ['with Opus', Buffer.concat([opusInWebm, clusters]), 'noDecoder', /no decoder for Opus in WebM/],
    ['with Opus, its header alone', opusInWebm, 'noDecoder', /no decoder for Opus in WebM/],
    [
      'with Opus that resumes inside a block',
      Buffer.concat([opusInWebm, WEBM.subarray(FIRST_CLUSTER + 1234)]),
      'resumesInside',
      /inside a block/,
    ],
    ['cut short in its header', HEADER.subarray(0, 40), 'corrupt', /ends inside its header/],
    ['of Ogg with Opus', ogg, 'noDecoder', /no decoder for Opus in Ogg/],
    ['of Ogg with Opus, its header alone', oggHeader, 'noDecoder', /no decoder for Opus in Ogg/],
    ['of Ogg with Vorbis', vorbis(), 'noDecoder', /no decoder for Vorbis in Ogg/],
    ['of Ogg that lacks its header', Buffer.concat(pages), 'lacksHeader', /Ogg stream lacks its header/],
    ['of Ogg that resumes inside a page', ogg.subarray(10), 'resumesInside', /inside a page/],
    [
      'of Ogg that resumes inside a page behind its header',
      Buffer.concat([oggHeader, ogg.subarray(oggHeader.byteLength + 100)]),
      'resumesInside',
      /inside a page/,
    ],
    [
      'of Ogg with a hole inside a page',
      Buffer.concat([oggHeader.subarray(0, 600), oggHeader.subarray(700), ...pages]),
      'resumesInside',
      /inside a page/,
    ],
    ['of Ogg that ends inside its header', head.subarray(0, 100), 'corrupt', /ends inside a page/],
  ])('%s is refused, live, in Flux and recorded', async (_name, audio, problem, text) => {
    const client = await openLive(emulator, {});
    const flux = await openFlux(emulator, {}, 'container');
    for (const { socket } of [client, flux]) {
      for (const frame of framesOf(audio, 4000)) socket.send(frame);
      socket.send('{"type":"CloseStream"}');
    }
    for (const { closed } of [client, flux]) {
      expect(await closed).toEqual({ code: 1008, reason: expect.stringMatching(/^DATA-0000: .*dpgr/) });
      expect((await closed).reason).toMatch(text);
    }
    expect(flux.messages.at(-1)).toMatchObject({ type: 'Error', code: 'DATA-0000' });
    const recorded = await transcribe(audio);
    expect(recorded.status).toBe(400);
    expect(recorded.error).toMatch(text);
    expect(emulator.requests.map(({ audioProblem }) => audioProblem)).toEqual([problem, problem, problem]);
  });

  it('that was cut short has the words up to there when it is a recording', async () => {
    const { status, text } = await transcribe(WEBM.subarray(0, WEBM.byteLength / 2));
    expect(status).toBe(200);
    expect(TEXT.startsWith(text?.split(' ').slice(0, 2).join(' ') ?? '-')).toBe(true);
  });

  it('is not written from samples that fill no whole frames, nor at an impossible rate', () => {
    expect(() => encodeWebm(new Int16Array(3), { sampleRate: 8000, channels: 2 })).toThrow(RangeError);
    expect(() => encodeWebm(new Int16Array(2), { sampleRate: 0, channels: 1 })).toThrow(/sampleRate/);
    expect(() => encodeWebm(new Int16Array(2), { sampleRate: 8000, channels: 0.5 })).toThrow(/channels/);
  });
});

function codecAt(): number {
  return Buffer.from(WEBM).indexOf('A_PCM');
}

function withCodec(begin: string): Uint8Array {
  return Buffer.from(WEBM.map((byte, index) => (index === codecAt() ? begin.charCodeAt(0) : byte)));
}

function vorbis(): Uint8Array {
  return Buffer.concat([oggPage(2, 0, '\u0001vorbis'), oggPage(0, 4096)]);
}

/** A page of one packet of 500 bytes. */
function oggPage(flags: number, granule: number, begin = ''): Buffer {
  const lacing = Buffer.from([255, 245]);
  const packet = Buffer.alloc(500, 9);
  packet.write(begin, 'latin1');
  const pageHead = Buffer.alloc(27);
  pageHead.write('OggS');
  pageHead.writeUInt8(flags, 5);
  pageHead.writeUInt32LE(granule, 6);
  pageHead.writeUInt8(lacing.byteLength, 26);
  return Buffer.concat([pageHead, lacing, packet]);
}
