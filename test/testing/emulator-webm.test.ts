import {
  type DeepgramEmulator,
  encodeWebm,
  startDeepgramEmulator,
  synthesizeSpeech,
  type WebmFormat,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeStream, finals, openLive, sendFrames, textOf } from './emulator-client.js';

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

async function transcribe(body: Uint8Array): Promise<{ status: number; text: string | undefined }> {
  const response = await fetch(`${emulator.url}/v1/listen`, {
    method: 'POST',
    headers: { authorization: 'Token key', 'content-type': 'audio/webm;codecs=pcm' },
    body: Buffer.from(body),
  });
  const answer = (await response.json()) as {
    results?: { channels: { alternatives: { transcript: string }[] }[] };
  };
  return { status: response.status, text: answer.results?.channels[0]?.alternatives[0]?.transcript };
}

/** The code and the reason of the close that a stream gets. */
async function refusal(audio: Uint8Array, frameBytes = 4000): Promise<{ code: number; reason: string }> {
  const client = await openLive(emulator, {});
  sendFrames(client, audio, frameBytes);
  return client.closed;
}

describe('WebM with PCM', () => {
  it.each<WebmFormat>([
    { sampleRate: SAMPLE_RATE, channels: 1 },
    { sampleRate: SAMPLE_RATE, channels: 1, sample: 'float32' },
    { sampleRate: SAMPLE_RATE, channels: 1, sample: 'int16' },
  ])('is transcribed as a recording: %o', async (format) => {
    expect(await transcribe(encodeWebm(PCM, format))).toEqual({ status: 200, text: TEXT });
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

  it.each([
    ['that lacks its header', WEBM.subarray(FIRST_CLUSTER)],
    ['that resumes inside a block, without a header', WEBM.subarray(FIRST_CLUSTER + 1234)],
    ['that resumes inside a block', Buffer.concat([HEADER, WEBM.subarray(FIRST_CLUSTER + 1234)])],
    [
      'with a hole inside a block',
      Buffer.concat([WEBM.subarray(0, FIRST_CLUSTER + 2500), WEBM.subarray(FIRST_CLUSTER + 9999)]),
    ],
    [
      'with a codec that is no PCM',
      Buffer.from(WEBM.map((byte, index) => (index === codecAt() ? 0x42 : byte))),
    ],
    ['of Ogg, with its header', oggPage(2)],
    ['of Ogg that lacks its header', oggPage(0)],
    ['of Ogg that resumes inside a page', oggPage(2).subarray(10)],
  ])('%s is refused, live and recorded', async (_name, audio) => {
    const { code, reason } = await refusal(audio);
    expect(code).toBe(1008);
    expect(reason).toMatch(/DATA-0000/);
    expect((await transcribe(audio)).status).toBe(400);
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

function oggPage(headerType: number): Uint8Array {
  const page = Buffer.alloc(28 + 255 + 700, 9);
  page.write('OggS');
  page.writeUInt8(0, 4);
  page.writeUInt8(headerType, 5);
  page.writeUInt8(1, 26);
  page.write('OpusHead', 28);
  return page;
}
