import { setTimeout as wait } from 'node:timers/promises';
import { type LiveTranscription, type Transcript, TranscriptionError } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import { chunksOf } from '../support/live.js';
import type { Dice } from './dice.js';
import { drawNetwork } from './fault-plan.js';
import { Leftovers } from './leftovers.js';
import { drawLiveFault } from './live-plan.js';
import { startLanes } from './network.js';
import { soak } from './soak.js';
import { TimeBound } from './time-bound.js';

const PARALLEL = 5;
const CONNECT_TIMEOUT_MS = 1000;
const FINISH_TIMEOUT_MS = 1000;
const NOTICED_MS = 5000;
const FIRST_CONNECTION_MS = 4000;
const FORMAT = { encoding: 'linear16', sample_rate: 8000 } as const;

/** Everything about a session that its dice decide. */
function draw(dice: Dice, index: number) {
  const text = Array.from({ length: dice.whole(1, 8) }, (_, word) => `${index}-${word}`).join(' ');
  const { audio, words } = synthesizeSpeech(text, { container: 'raw', sampleRate: FORMAT.sample_rate });
  return {
    words: words.map(({ word }) => word),
    audio,
    chunkBytes: dice.whole(1000, 8000),
    /** After each chunk. */
    pauseMs: dice.maybe(0.5, dice.whole(1, 20)),
    interims: dice.chance(0.5),
    finalizeAtEnd: dice.chance(0.3),
    abortAfterMs: dice.maybe(0.05, dice.whole(0, 1000)),
    faults: Array.from({ length: dice.oneOf([0, 1, 1, 1, 2]) }, () => drawLiveFault(dice, audio.length)),
    network: dice.maybe(0.3, drawNetwork(dice, audio.length, 1000)),
  };
}

/** A connection that breaks is noticed, another one is made, and all of the audio is spoken to it again. */
function recoveryMs({ audio, faults, network }: ReturnType<typeof draw>): number {
  const breaks = faults.length + (network === undefined ? 0 : 1);
  const spokenMs = (audio.length / (2 * FORMAT.sample_rate)) * 1000;
  return breaks === 0 ? 0 : FIRST_CONNECTION_MS + breaks * (NOTICED_MS + CONNECT_TIMEOUT_MS + spokenMs);
}

function wordsOf(transcript: Transcript): string[] {
  return transcript.channels.flatMap(({ words }) => words.map(({ word }) => word));
}

/** Sends all of the audio, and gives up where the session does: `finish()` then tells why. */
async function talk(live: LiveTranscription, plan: ReturnType<typeof draw>): Promise<void> {
  try {
    for (const chunk of chunksOf(plan.audio, plan.chunkBytes)) {
      await live.send(chunk);
      if (plan.pauseMs !== undefined) await wait(plan.pauseMs);
    }
  } catch (error) {
    expect(TranscriptionError.isInstance(error), String(error)).toBe(true);
  }
  if (plan.finalizeAtEnd) live.finalize().catch(() => undefined);
}

it('every session ends in time, with every word once or a typed error', async () => {
  using leftovers = new Leftovers();
  await using emulator = await startDeepgramEmulator();
  await using lanes = await startLanes(emulator.url, PARALLEL);
  const regions = lanes.proxies.map(({ url }, lane) => ({ name: `lane-${lane}`, endpoint: url }));
  const client = clientOf(emulator.url, {
    regions: [{ name: 'direct', endpoint: emulator.url }, ...regions],
  });
  // The first session loads the SDK, which takes its time.
  await client.stream(FORMAT).finish();

  await soak({
    name: 'live',
    count: 300,
    leastCount: 15,
    parallel: PARALLEL,
    async run({ index, lane, dice, tally, note }) {
      const plan = draw(dice, index);
      note({ ...plan, audio: plan.audio.length });
      const { words, faults, network, abortAfterMs } = plan;
      const isDisturbed = faults.length > 0 || network !== undefined || abortAfterMs !== undefined;
      const tag = `soak-${index}`;
      const set =
        faults.length === 0
          ? undefined
          : emulator.faults.live.rule({ fault: faults, when: ({ query }) => query.get('tag') === tag });
      const controller = new AbortController();
      const aborting =
        abortAfterMs === undefined ? undefined : setTimeout(() => controller.abort(), abortAfterMs);
      const bound = new TimeBound();
      const startedAt = performance.now();
      let talkedMs = 0;
      const live = client.stream({
        ...FORMAT,
        tag,
        interim_results: plan.interims,
        signal: controller.signal,
        region: network ? `lane-${lane}` : 'direct',
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        finishTimeoutMs: FINISH_TIMEOUT_MS,
      });
      const warnings: string[] = [];
      live.on('warning', ({ code }) => warnings.push(code));
      const session = async () => {
        await talk(live, plan);
        talkedMs = performance.now() - startedAt;
        return live.finish().then(
          (transcript) => ({ transcript, error: undefined }),
          (error: unknown) => ({ transcript: undefined, error }),
        );
      };
      const { transcript, error } = await (network ? lanes.disturb(lane, network, session) : session());
      // Audio that is still leaving gives finish() more time: here it has left within the talk, or within the wait.
      const limitMs = talkedMs + CONNECT_TIMEOUT_MS + 2 * FINISH_TIMEOUT_MS + recoveryMs(plan);
      tally.largest('ms late, at most', bound.check(limitMs));
      clearTimeout(aborting);
      set?.remove();

      const heard = wordsOf(transcript ?? live.partial());
      if (transcript) {
        const isCutOff = warnings.includes('finish_timeout') || warnings.includes('unconfirmed_end');
        tally.count(
          isCutOff ? 'what came until the service, or the time, was at its end' : 'every word once',
        );
        expect(heard).toEqual(isCutOff ? words.slice(0, heard.length) : words);
        if (isCutOff && !isDisturbed) throw new Error('Nothing disturbed this session.');
        return;
      }
      if (!TranscriptionError.isInstance(error))
        throw new Error('An error without a type.', { cause: error });
      tally.count(`${error.name} ${error.code}`);
      tally.count(heard.length === 0 ? 'failed before a word' : 'failed after some words');
      expect(error.code).not.toBe('internal');
      expect(heard).toEqual(words.slice(0, heard.length));
      if (!isDisturbed) throw new Error('Nothing disturbed this session.', { cause: error });
    },
  });

  await client.close();
  await leftovers.expectNoClientSockets();
  await Promise.all([lanes.close(), emulator.close()]);
  await leftovers.expectNothing();
}, 600_000);
