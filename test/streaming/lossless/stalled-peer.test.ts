import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LiveTranscription } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { clientOf } from '../../support/client.js';
import { warmUp } from './perform.js';
import { VirtualTime } from './virtual-time.js';

const STALLED_SECONDS = 60;
const MEBIBYTE = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let emulator: DeepgramEmulator;
let time: VirtualTime;
let events = 0;

beforeAll(warmUp, 60_000);

beforeEach(async () => {
  time = new VirtualTime(() => [events, emulator.journal.bodyBytes, emulator.requests.length].join());
  emulator = await startDeepgramEmulator({ clock: time.clock });
});

afterEach(async () => {
  await emulator.close();
});

/** Bytes outside of the heap, which is where audio is. */
function audioMemory(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** How often each kind of event has come so far. */
function countEvents(live: LiveTranscription): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  void (async () => {
    for await (const { type } of live) {
      events += 1;
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  })();
  return counts;
}

test('a microphone goes on, the watchdog connects again, and memory stays within the ring and 1 MB', async () => {
  const format = { encoding: 'linear16', sample_rate: 48_000, channels: 2 } as const;
  const bytesPerSecond = 192_000;
  const ringBytes = 30 * bytesPerSecond;
  const stall = emulator.faults.live.rule({ fault: { kind: 'stopReading' } });
  const client = clientOf(emulator.url, { clock: time.clock });
  const live = client.stream(format);
  const counts = countEvents(live);
  await expect.poll(() => live.stats().state).toBe('open');
  const memoryBefore = audioMemory();

  let heldBytes = 0;
  let memoryBytes = 0;
  for (let second = 0; second < STALLED_SECONDS; second += 0.1) {
    live.send(new Uint8Array(bytesPerSecond / 10)).catch(() => undefined);
    await time.elapse(100);
    const { bytesHeld, bytesBuffered } = live.stats();
    heldBytes = Math.max(heldBytes, bytesHeld, bytesBuffered);
    if (Math.round(second * 10) % 50 === 0) memoryBytes = Math.max(memoryBytes, audioMemory() - memoryBefore);
  }
  expect(heldBytes).toBeGreaterThan(ringBytes / 2);
  expect(heldBytes, 'bytes of audio').toBeLessThan(ringBytes + MEBIBYTE);
  // The server of the test is in this process, and has what came before each of its connections stopped reading.
  expect(memoryBytes, 'bytes of memory').toBeLessThan(ringBytes + 4 * MEBIBYTE);
  expect(counts.get('reconnected')).toBeGreaterThan(STALLED_SECONDS / 7);
  expect(counts.get('gap'), 'there is no store, so audio is given up').toBeGreaterThan(0);

  stall.remove();
  let outcome: unknown;
  live.finish().then(
    ({ durationSeconds }) => {
      outcome = durationSeconds;
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  await time.wait(() => outcome !== undefined, 120_000);
  expect(outcome).toBeCloseTo(STALLED_SECONDS, 0);
  await client.close();
}, 60_000);

test('a source that can wait is not read on, and no word of it is lost', async () => {
  const text = Array.from({ length: 60 }, (_, index) => `w${index}`).join(' ');
  const { audio } = synthesizeSpeech(text, { container: 'raw', sampleRate: 8000, pauseSeconds: 0.35 });
  const bytesPerSecond = 16_000;
  const replaySeconds = 10;
  const stall = emulator.faults.live.rule({ fault: { kind: 'stopReading' } });
  const client = clientOf(emulator.url, { clock: time.clock });
  const live = client.stream({ encoding: 'linear16', sample_rate: 8000, replaySeconds });
  const counts = countEvents(live);
  let readBytes = 0;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < audio.length; at += 800) {
      readBytes += 800;
      yield audio.subarray(at, at + 800);
    }
  };
  const piped = live.pipeFrom(source());
  piped.catch(() => undefined);
  await expect.poll(() => readBytes).toBeGreaterThan(0);

  await time.elapse(1000 * STALLED_SECONDS);
  expect(readBytes / bytesPerSecond).toBeLessThan(replaySeconds + 1);
  expect(live.stats().bytesHeld).toBeLessThan(replaySeconds * bytesPerSecond + MEBIBYTE);
  expect(counts.get('reconnected')).toBeGreaterThan(5);

  stall.remove();
  let outcome: string | undefined;
  piped.then(
    async () => {
      outcome = (await live.finish()).text;
    },
    (error: unknown) => {
      outcome = String(error);
    },
  );
  await time.wait(() => outcome !== undefined, 120_000);
  expect(outcome).toBe(text);
  expect(counts.get('gap')).toBeUndefined();
  await client.close();
}, 60_000);
