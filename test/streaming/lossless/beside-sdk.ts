import { setTimeout as wait } from 'node:timers/promises';
import {
  type LiveFault,
  type SpokenWord,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { openRaw, RAW_AUDIO } from '../../sdk-faults/raw-live.js';
import { clientOf } from '../../support/client.js';
import { chunksOf } from '../../support/live.js';
import type { HeardWord } from './oracle-words.js';

const BYTES_PER_SECOND = 32_000;
const FRAME_MS = 20;
/** How long the SDK is waited for after its last audio. */
const LATE_MS = 3000;

/** About nine seconds. */
export const SPEECH = synthesizeSpeech(
  [
    ...Array.from({ length: 17 }, (_, index) => ({
      text: `w${index}`,
      pauseAfterSeconds: index % 3 === 2 ? 0.5 : 0.15,
    })),
    'w17',
  ],
  { container: 'raw', trailSeconds: 0.1 },
);

/** In the middle of the sixth word. */
const BREAK = { audioBytes: 2 * Math.round(((SPEECH.words[5]?.start ?? 0) + 0.1) * 16_000) };
const DROP: LiveFault = { kind: 'drop', at: BREAK };

/** What happens to the connection, and the faults that make it happen. */
export const SCENARIOS: Readonly<Record<string, readonly LiveFault[]>> = {
  'breaks in the middle of a word (1006)': [DROP],
  'is closed with 1011': [{ kind: 'close', code: 1011, at: BREAK }],
  'breaks, and the first attempt to come back gets 503': [DROP, { kind: 'handshake', status: 503 }],
  'breaks three times': [DROP, DROP, DROP],
  'falls silent and stays open': [{ kind: 'halfOpen', at: BREAK }],
  'breaks with the last audio': [{ kind: 'drop', at: { audioBytes: SPEECH.audio.length } }],
};

export interface Loss {
  readonly words: number;
  /** Of speech, with the pauses before the words. */
  readonly seconds: number;
  /** How far the times of the words that came are from the true ones, at most. */
  readonly secondsOff: number;
}

/** Both at the same time, in real time. */
export async function lossesOf(faults: readonly LiveFault[]): Promise<{ sdk: Loss; library: Loss }> {
  const [sdk, library] = await Promise.all([throughSdk(faults), throughLibrary(faults)]);
  return { sdk: lossOf(sdk), library: lossOf(library) };
}

function lossOf(heard: readonly HeardWord[]): Loss {
  const byWord = new Map(heard.map((word) => [word.word, word]));
  const lost = SPEECH.words.filter(({ word }) => !byWord.has(word));
  const off = SPEECH.words.flatMap(({ word, start }) => {
    const found = byWord.get(word);
    return found ? [Math.abs(found.start - start)] : [];
  });
  return {
    words: lost.length,
    seconds: lost.reduce((sum, word) => sum + word.end - endBefore(word), 0),
    secondsOff: Math.max(0, ...off),
  };
}

function endBefore(word: SpokenWord): number {
  return SPEECH.words[SPEECH.words.indexOf(word) - 1]?.end ?? 0;
}

/** As a microphone does. */
async function speak(send: (frame: Uint8Array) => void): Promise<void> {
  const startedAt = performance.now();
  let sent = 0;
  for (const frame of chunksOf(SPEECH.audio, (BYTES_PER_SECOND * FRAME_MS) / 1000)) {
    sent += 1;
    await wait(Math.max(0, startedAt + sent * FRAME_MS - performance.now()));
    send(frame);
  }
}

async function startService(faults: readonly LiveFault[]) {
  const emulator = await startDeepgramEmulator();
  for (const fault of faults) emulator.faults.live.next(fault);
  return emulator;
}

async function throughLibrary(faults: readonly LiveFault[]): Promise<readonly HeardWord[]> {
  await using emulator = await startService(faults);
  await using client = clientOf(emulator.url);
  const live = client.stream(RAW_AUDIO);
  await live.opened;
  await speak((frame) => void live.send(frame));
  const transcript = await live.finish();
  return transcript.channels.flatMap(({ words }) => words);
}

/** What its finals have, and what they say of the times. What `sendMedia()` refuses is gone. */
async function throughSdk(faults: readonly LiveFault[]): Promise<readonly HeardWord[]> {
  await using emulator = await startService(faults);
  await using raw = await openRaw(emulator.url);
  await raw.socket.waitForOpen();
  await speak((frame) => quietly(() => raw.socket.sendMedia(frame)));
  quietly(() => raw.socket.sendCloseStream({ type: 'CloseStream' }));
  await wait(LATE_MS);
  return (raw.messages as Message[]).filter(({ is_final: isFinal }) => isFinal).flatMap(wordsOf);
}

interface Message {
  readonly is_final?: boolean;
  readonly channel?: { readonly alternatives: readonly { readonly words: readonly HeardWord[] }[] };
}

function wordsOf({ channel }: Message): readonly HeardWord[] {
  return channel?.alternatives[0]?.words ?? [];
}

function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // It throws while it is not connected.
  }
}

/** For docs/streaming.md. */
export function lossTable(rows: readonly (readonly [string, { sdk: Loss; library: Loss }])[]): string {
  const cells = ({ words, seconds, secondsOff }: Loss): string =>
    `${words} | ${seconds.toFixed(1)} s | ${secondsOff.toFixed(1)} s`;
  return [
    '| the connection | SDK: words lost | speech lost | times off by | here: words lost | speech lost | times off by |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(([name, { sdk, library }]) => `| ${name} | ${cells(sdk)} | ${cells(library)} |`),
  ].join('\n');
}
