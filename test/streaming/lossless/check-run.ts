import { inspect } from 'node:util';
import { complaintsOf } from './oracle.js';
import { perform, type Recording } from './perform.js';
import { drawPlan, type Plan } from './plan.js';

/** What one run showed of the faults, so that it is known that there were some. */
export interface RunFigures {
  readonly words: number;
  readonly connections: number;
  readonly struck: readonly string[];
}

/** Makes one run. Rejects where a word was lost or doubled, or anything else is wrong, with how to repeat it. */
export async function checkRun(seed: number): Promise<RunFigures> {
  const plan = drawPlan(seed);
  const recording = await perform(plan);
  const complaints = complaintsOf(recording);
  if (complaints.length > 0) throw new Error(report(plan, recording, complaints));
  const { spoken, connections, struck } = recording;
  return { words: spoken.length, connections, struck };
}

function report(plan: Plan, recording: Recording, complaints: readonly string[]): string {
  const { speech, ...rest } = plan;
  const { words, audio, pauses, ...facts } = speech;
  const shown = { ...rest, speech: { ...facts, words: words.length, bytes: audio.length } };
  return [
    `${complaints.length} complaints. To repeat this run: LOSSLESS_SEED=${plan.seed} npx vitest run --config test/vitest.config.ts test/streaming/lossless/random.test.ts`,
    ...complaints.slice(0, 20),
    inspect(shown, { depth: 6, breakLength: 120 }),
    '',
    ...eventLines(recording),
  ].join('\n');
}

/** Interims only where the run is repeated: there are many. */
function eventLines({ events, spoken }: Recording): string[] {
  return [
    ...spoken.map(({ channel, word, start, end }) => `said ${channel} ${start}-${end} ${word}`),
    ...events.map(
      ({ atMs, event }) => `${Math.round(atMs)} ms ${inspect(short(event), { breakLength: 200 })}`,
    ),
  ];
}

function short(event: Recording['events'][number]['event']): object {
  if (event.type === 'end') return { type: 'end' };
  return 'words' in event
    ? { ...event, words: event.words.map(({ word, start, end }) => `${word} ${start}-${end}`).join(', ') }
    : event;
}
