import { Readable } from 'node:stream';
import {
  type AudioSource,
  fromStream,
  type TranscribeOptions,
  TranscriptionError,
} from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import type { Dice } from './dice.js';
import { drawHttpFaults, drawNetwork } from './fault-plan.js';
import { Leftovers } from './leftovers.js';
import { startLanes } from './network.js';
import { soak } from './soak.js';
import { Tally } from './tally.js';
import { TimeBound } from './time-bound.js';

const PARALLEL = 10;
const SPOKEN = { sampleRate: 8000, leadSeconds: 0.05, trailSeconds: 0.05 } as const;
/** Of the speech of a call. */
const ABOUT_BYTES = 20_000;

/** Everything about a call that its dice decide. */
function draw(dice: Dice, index: number) {
  const timeoutMs = dice.whole(150, 800);
  const options: TranscribeOptions = {
    tag: tagOf(index),
    timeoutMs,
    retry: {
      attempts: dice.whole(1, 4),
      minDelayMs: 1,
      maxDelayMs: dice.whole(1, 100),
      ambiguous: dice.chance(0.5),
    },
  };
  const attemptTimeoutMs = dice.maybe(0.4, dice.whole(50, 300));
  if (attemptTimeoutMs !== undefined) options.attemptTimeoutMs = attemptTimeoutMs;
  return {
    timeoutMs,
    options,
    text: Array.from({ length: dice.whole(1, 3) }, (_, word) => `${index}-${word}`).join(' '),
    source: dice.oneOf(['bytes', 'file-like', 'stream', 'reopenable'] as const),
    abortAfterMs: dice.maybe(0.1, dice.whole(0, timeoutMs)),
    faults: { rate: dice.oneOf([0, 0.3, 0.6, 1]), seed: dice.seed(), kinds: drawHttpFaults(dice) },
    network: dice.maybe(0.3, drawNetwork(dice, ABOUT_BYTES, timeoutMs)),
  };
}

function tagOf(index: number): string {
  return `soak-${index}`;
}

function sourceOf(kind: ReturnType<typeof draw>['source'], audio: Uint8Array<ArrayBuffer>): AudioSource {
  const chunks = () => Readable.from([audio.subarray(0, 5000), audio.subarray(5000)]);
  if (kind === 'bytes') return audio;
  if (kind === 'file-like') return new Blob([audio], { type: 'audio/wav' });
  return kind === 'stream' ? chunks() : fromStream(chunks);
}

it('every call ends in time, with the right words or a typed error', async () => {
  using leftovers = new Leftovers();
  await using emulator = await startDeepgramEmulator();
  await using lanes = await startLanes(emulator.url, PARALLEL);
  const regions = lanes.proxies.map(({ url }, lane) => ({ name: `lane-${lane}`, endpoint: url }));
  const client = clientOf(emulator.url, {
    regions: [{ name: 'direct', endpoint: emulator.url }, ...regions],
  });
  // The first call loads the SDK, which takes its time.
  await client.transcribe(synthesizeSpeech('ready').audio);

  await soak({
    name: 'transcribe',
    count: 5000,
    leastCount: 60,
    parallel: PARALLEL,
    async run({ index, lane, dice, tally, note }) {
      const plan = draw(dice, index);
      note(plan);
      const { text, source, options, timeoutMs, abortAfterMs, faults, network } = plan;
      const { audio } = synthesizeSpeech(text, SPOKEN);
      const hits = emulator.faults.random({
        ...faults,
        when: ({ query }) => query.get('tag') === tagOf(index),
      });
      const controller = new AbortController();
      const aborting =
        abortAfterMs === undefined ? undefined : setTimeout(() => controller.abort(), abortAfterMs);
      const bound = new TimeBound();
      const call = () =>
        client
          .transcribe(sourceOf(source, audio), {
            ...options,
            signal: controller.signal,
            region: network ? `lane-${lane}` : 'direct',
          })
          .then(
            (transcript) => ({ transcript, error: undefined }),
            (error: unknown) => ({ transcript: undefined, error }),
          );
      const { transcript, error } = await (network ? lanes.disturb(lane, network, call) : call());
      const limitMs = Math.min(timeoutMs, abortAfterMs ?? timeoutMs);
      tally.largest('ms late, at most', bound.check(limitMs));
      clearTimeout(aborting);
      hits.remove();

      if (transcript) {
        tally.count('right words');
        expect(transcript.text).toBe(text);
        return;
      }
      if (!TranscriptionError.isInstance(error))
        throw new Error('An error without a type.', { cause: error });
      tally.count(`${error.name} ${error.code}`);
      expect(error.code).not.toBe('internal');
      // Time may also run out on a busy machine.
      const isExplained = hits.hits > 0 || network || abortAfterMs !== undefined || error.code === 'timeout';
      if (!isExplained) throw new Error('Nothing disturbed this call.', { cause: error });
    },
  });

  const met = new Tally();
  for (const { faults } of emulator.requests) met.count(faults[0] ?? 'no fault');
  console.log(`requests that met\n${met}`);
  await client.close();
  await leftovers.expectNoClientSockets();
  await Promise.all([lanes.close(), emulator.close()]);
  await leftovers.expectNothing();
}, 600_000);
