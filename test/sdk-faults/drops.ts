import { setTimeout as wait } from 'node:timers/promises';
import type { ClientOptions, LiveTranscription, Transcript } from 'transcription-client';
import { type DeepgramEmulator, type LiveFault, synthesizeSpeech } from 'transcription-client/testing';
import { expect } from 'vitest';
import { clientOf } from '../support/client.js';
import { chunksOf } from '../support/live.js';
import { startFaultyEmulator } from './faulty-emulator.js';
import { eventually, RAW_AUDIO, type RawLive } from './raw-live.js';

/** Long enough that the first sentence is final before the second begins. */
const PAUSE = { pauseAfterSeconds: 1.2 };
const BYTES_PER_SECOND = 32_000;

export const SPEECH = synthesizeSpeech(
  [
    { text: 'said before', ...PAUSE },
    { text: 'and after it', ...PAUSE },
  ],
  { container: 'raw' },
);

/** Where the second sentence begins, in bytes: shortly before its first word. */
const SECOND = Math.round(((SPEECH.words[2]?.start ?? 0) - 0.1) * 16_000) * 2;

export const SENTENCES = {
  first: SPEECH.audio.subarray(0, SECOND),
  second: SPEECH.audio.subarray(SECOND),
} as const;

/** In the middle of the second sentence's first word. */
export const DROP: LiveFault = { kind: 'drop', at: { audioBytes: SECOND + BYTES_PER_SECOND * 0.2 } };

/** Every connection breaks as soon as it is open. More of them than any session makes. */
export const DROPS = Array.from({ length: 100 }, (): LiveFault => ({ kind: 'drop' }));

/** How a session of this library ends today where its connection breaks. */
export const BROKEN = { name: 'NetworkError', code: 'connection_closed', retryable: true };

/** Both sentences, the second once the first is final. */
export async function speak(live: LiveTranscription): Promise<void> {
  const final = new Promise((resolve) => live.once('final', resolve));
  await live.send(SENTENCES.first);
  await final;
  await live.send(SENTENCES.second);
}

interface Through {
  readonly transcript: Transcript;
  readonly requests: DeepgramEmulator['requests'];
}

/** What the library is to do where connections fail: give every word once, in order. */
export async function transcribeThrough(
  faults: readonly LiveFault[],
  options: ClientOptions = {},
): Promise<Through> {
  await using emulator = await startFaultyEmulator(...faults);
  await using client = clientOf(emulator.url, options);
  const live = client.stream(RAW_AUDIO);
  await speak(live);
  const transcript = await live.finish();
  expect(transcript.text).toBe('said before and after it');
  return { transcript, requests: emulator.requests };
}

/** The same with the SDK: the first sentence, until it is final. */
export async function speakFirst(raw: RawLive): Promise<void> {
  await raw.socket.waitForOpen();
  raw.socket.sendMedia(SENTENCES.first);
  await eventually(() => raw.finals().length).toBe(1);
}

/** Both sentences; the connection breaks in the second. */
export async function speakUntilDrop(raw: RawLive): Promise<void> {
  await speakFirst(raw);
  raw.socket.sendMedia(SENTENCES.second);
  await eventually(() => raw.closes[0]).toBe(1006);
}

/** Sends as a microphone does, twice as fast. Returns what `sendMedia()` threw. */
export async function sendPaced(raw: RawLive, audio: Uint8Array): Promise<readonly unknown[]> {
  const refusals: unknown[] = [];
  for (const frame of chunksOf(audio)) {
    try {
      raw.socket.sendMedia(frame);
    } catch (error) {
      refusals.push(error);
    }
    await wait(10);
  }
  return refusals;
}
