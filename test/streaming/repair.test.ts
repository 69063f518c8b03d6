import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { LiveEvent, LiveTranscription } from 'transcription-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import type { AudioStore, StreamOptions } from '../../src/contracts/index.js';
import { TranscriptionClient } from '../../src/index.js';
import {
  type DeepgramEmulator,
  type FaultProxy,
  startDeepgramEmulator,
  startFaultProxy,
  synthesizeSpeech,
} from '../../src/testing/index.js';

const FRAME_MS = 20;
const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

/** Words of which each is there once, for half a minute or less. */
function speech(count: number) {
  const words = Array.from({ length: count }, (_, index) => `w${index}x`);
  return synthesizeSpeech(
    words.map((text, index) => ({ text, pauseAfterSeconds: 0.05 + (index % 7) * 0.04 })),
    { container: 'raw', sampleRate: 8000 },
  );
}

interface Rig {
  readonly emulator: DeepgramEmulator;
  readonly proxy: FaultProxy;
  readonly client: TranscriptionClient;
}

async function open(store: AudioStore | undefined): Promise<Rig> {
  const emulator = await startDeepgramEmulator();
  closes.push(() => emulator.close());
  const proxy = await startFaultProxy({ target: emulator.url });
  closes.push(() => proxy.close());
  const client = new TranscriptionClient({
    apiKey: 'test',
    regions: [{ name: 'here', endpoint: proxy.url }],
    retry: { minDelayMs: 10, maxDelayMs: 50 },
    ...(store && { audioStore: store }),
  });
  closes.push(() => client.close({ timeoutMs: 0 }));
  return { emulator, proxy, client };
}

function filesStore(): AudioStore {
  const folder = mkdtempSync(join(tmpdir(), 'repair-'));
  closes.push(() => rmSync(folder, { recursive: true, force: true }));
  return createFileAudioStore({ directory: join(folder, 'audio') });
}

/** Speaks as a microphone does, which does not wait. `at` is called for every frame. */
async function speak(
  live: LiveTranscription,
  audio: Uint8Array,
  at: (seconds: number) => void,
): Promise<void> {
  const bytes = (16_000 * FRAME_MS) / 1000;
  const startedAt = performance.now();
  for (let position = 0; position < audio.length; position += bytes) {
    at(position / 16_000);
    live.send(audio.subarray(position, position + bytes)).catch(() => undefined);
    const ahead = (position / 16_000) * 1000 - (performance.now() - startedAt);
    if (ahead > 0) await wait(ahead);
  }
}

const OPTIONS: StreamOptions = {
  encoding: 'linear16',
  sample_rate: 8000,
  interim_results: true,
  replaySeconds: 2,
};

/** The connection is away from one second of the audio to another. */
async function speakThroughOutage(rig: Rig, options: StreamOptions, from: number, to: number) {
  const { audio, words } = speech(24);
  const live = rig.client.stream({ ...OPTIONS, ...options });
  const events: LiveEvent[] = [];
  for (const type of ['gap', 'final', 'reconnecting', 'reconnected', 'warning'] as const) {
    live.on(type, (event: LiveEvent) => events.push(event));
  }
  await live.opened;
  let isDown = false;
  await speak(live, audio, (seconds) => {
    if (seconds >= from && seconds < to && !isDown) {
      isDown = true;
      rig.proxy.set({ refuse: true });
      rig.proxy.reset();
    } else if (seconds >= to && isDown) {
      isDown = false;
      rig.proxy.heal();
    }
  });
  return { live, events, words };
}

describe('an outage that is longer than the memory', () => {
  it.each(['sync', 'queue'] as const)(
    'is repaired (%s): the transcript is whole',
    { timeout: 60_000 },
    async (repair) => {
      const rig = await open(filesStore());
      const { live, events, words } = await speakThroughOutage(rig, { repair }, 2, 7.5);
      const transcript = await live.finish();
      const heard = transcript.channels[0]?.words ?? [];
      expect(heard.map(({ word }) => word)).toEqual(words.map(({ word }) => word));
      for (const [index, word] of heard.entries())
        expect(word.start).toBeCloseTo(words[index]?.start ?? 0, 1);
      expect(events.filter(({ type }) => type === 'gap')).toEqual([]);
      expect(events.some((event) => event.type === 'final' && event.repaired)).toBe(true);
      const told = events.flatMap((event) => (event.type === 'final' ? event.words : []));
      expect(told.map(({ word }) => word).sort()).toEqual(words.map(({ word }) => word).sort());
      expect(live.stats().gapSeconds).toBe(0);
    },
  );

  it('is told as a gap where there is no store, from where to where', { timeout: 60_000 }, async () => {
    const rig = await open(undefined);
    const { live, events, words } = await speakThroughOutage(rig, {}, 2, 7.5);
    const transcript = await live.finish();
    const gaps = events.filter((event) => event.type === 'gap');
    expect(gaps).toHaveLength(1);
    const [gap] = gaps;
    expect(gap).toMatchObject({ reason: 'no-room' });
    const heard = new Set((transcript.channels[0]?.words ?? []).map(({ word }) => word));
    const missing = words.filter(({ word }) => !heard.has(word));
    expect(missing.length).toBeGreaterThan(0);
    for (const { start, end } of missing) {
      expect(end).toBeGreaterThan((gap?.from ?? 0) - 0.01);
      expect(start).toBeLessThan((gap?.to ?? 0) + 0.01);
    }
    expect(live.stats().gapSeconds).toBeCloseTo((gap?.to ?? 0) - (gap?.from ?? 0), 5);
  });

  it('that lasts until the end is repaired from the store', { timeout: 60_000 }, async () => {
    const rig = await open(filesStore());
    const { live, words } = await speakThroughOutage(rig, { finishTimeoutMs: 1000 }, 3, 1000);
    const finished = live.finish();
    // REST comes back before the live connection is tried again.
    await vi.waitFor(() => expect(live.stats().state).toBe('finishing'));
    rig.proxy.heal();
    const transcript = await finished;
    expect((transcript.channels[0]?.words ?? []).map(({ word }) => word)).toEqual(
      words.map(({ word }) => word),
    );
  });
});
