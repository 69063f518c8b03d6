import type { LiveEvent } from 'transcription-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { complaintsOf } from './oracle.js';
import { perform, type RecordedEvent, type Recording, warmUp } from './perform.js';
import { drawPlan, type Plan } from './plan.js';

/** The plan without its faults. */
function undisturbed(plan: Plan): Plan {
  const actions = plan.actions.filter(({ kind }) => kind === 'finalize' || kind === 'mute');
  return { ...plan, connections: [], actions, onFinalize: undefined, onFinish: undefined };
}

/** The first undisturbed plan that is like that. */
function samplePlan(isFitting: (plan: Plan) => boolean): Plan {
  for (let seed = 1; ; seed += 1) {
    const plan = drawPlan(seed);
    if (isFitting(plan)) return undisturbed(plan);
  }
}

function hasTwoChannels({ speech, interims, feed }: Plan): boolean {
  return speech.channels === 2 && interims && feed === 'send';
}

beforeAll(warmUp, 60_000);

test('undisturbed runs give no complaint', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    expect(complaintsOf(await perform(undisturbed(drawPlan(seed)))), `seed ${seed}`).toEqual([]);
  }
}, 60_000);

describe('a complaint comes of', () => {
  let whole: Recording;

  beforeAll(async () => {
    whole = await perform(samplePlan(hasTwoChannels));
    expect(complaintsOf(whole)).toEqual([]);
  });

  /** The recording with its events changed, one by one; undefined leaves one out. */
  function changed(
    change: (event: LiveEvent, index: number) => LiveEvent | LiveEvent[] | undefined,
  ): Recording {
    const events = whole.events.flatMap((recorded, index): RecordedEvent[] =>
      [change(recorded.event, index) ?? []].flat().map((event) => ({ ...recorded, event })),
    );
    return { ...whole, events };
  }

  /** Changes the last final that has words, and nothing else. */
  function withFinal(
    change: (final: Extract<LiveEvent, { type: 'final' }>) => LiveEvent | LiveEvent[] | undefined,
  ): Recording {
    const last = whole.events.findLast(({ event }) => event.type === 'final' && event.text !== '')?.event;
    return changed((event) => (event === last && event.type === 'final' ? change(event) : event));
  }

  const shift = <Time extends { start: number; end: number }>(times: Time, seconds: number): Time => ({
    ...times,
    start: times.start + seconds,
    end: times.end + seconds,
  });

  const MISTAKES: Readonly<Record<string, [make: () => Recording, complaint: string]>> = {
    'a lost final': [() => withFinal(() => undefined), 'words lost'],
    'a lost word': [
      () =>
        withFinal(({ words, text, ...final }) => ({
          ...final,
          words: words.slice(1),
          text: text.split(' ').slice(1).join(' '),
        })),
      'words lost',
    ],
    'a final twice': [() => withFinal((final) => [final, final]), 'words doubled'],
    'a broken word': [
      () =>
        withFinal((final) => ({
          ...final,
          words: final.words.map((word) => ({ ...word, word: '⟨broken⟩' })),
        })),
      'that nobody said',
    ],
    'words in the wrong channel': [
      () => withFinal((final) => ({ ...final, channel: 1 - final.channel })),
      'that nobody said',
    ],
    'times that begin at 0 again': [
      () =>
        withFinal((final) => ({
          ...shift(final, -final.start),
          words: final.words.map((word) => shift(word, -final.start)),
        })),
      'said from',
    ],
    'a word that is 60 ms off': [
      () => withFinal((final) => ({ ...final, words: final.words.map((word) => shift(word, 0.06)) })),
      'said from',
    ],
    'finals in another order': [
      () => {
        const finals = whole.events.filter(({ event }) => event.type === 'final' && event.text !== '');
        const others = whole.events.filter((recorded) => !finals.includes(recorded));
        return { ...whole, events: [...finals.reverse(), ...others] };
      },
      'comes too late',
    ],
    'a final that is taken back': [
      () =>
        withFinal((final) => [
          final,
          { ...final, text: '', words: [], start: 0 },
          shift({ ...final, text: 'x' }, -3),
        ]),
      'goes back',
    ],
    'an interim that hangs': [
      () => {
        const interim = whole.events.findLast(({ event }) => event.type === 'interim' && event.text !== '');
        return {
          ...whole,
          events: [...whole.events.slice(0, -1), interim, ...whole.events.slice(-1)] as RecordedEvent[],
        };
      },
      'hangs at the end',
    ],
    'an interim of what is final': [
      () => withFinal((final) => [final, { ...final, type: 'interim' }, { ...final, text: '', words: [] }]),
      'is final already',
    ],
    'an interim of audio that was not sent': [
      () => ({ ...whole, events: whole.events.map((recorded) => ({ ...recorded, fedSeconds: 0.1 })) }),
      'were sent',
    ],
    'an interim that nobody said': [
      () =>
        changed((event) =>
          event.type === 'interim' ? { ...event, words: event.words.map((word) => shift(word, 0.2)) } : event,
        ),
      'an interim of channel',
    ],
    'a transcript that lacks a word': [
      () => {
        const { transcript } = whole;
        if (transcript === undefined) throw new Error('There is no transcript.');
        const [first, ...others] = transcript.channels;
        if (first === undefined) throw new Error('There is no channel.');
        const cut = { ...first, words: first.words.slice(0, -1) };
        return { ...whole, transcript: { ...transcript, channels: [cut, ...others] } };
      },
      'of the transcript: 1 words lost',
    ],
    'no transcript': [() => ({ ...whole, transcript: undefined }), 'there is no transcript'],
    'a rejected call': [
      () => ({ ...whole, rejections: [{ call: 'finish()', error: new Error('broken') }] }),
      'finish() was rejected',
    ],
    'a call that hangs': [() => ({ ...whole, pending: ['finalize()'] }), 'finalize() never settled'],
    'a gap': [
      () =>
        changed((event, index) =>
          index === 3 ? [event, { type: 'gap', from: 1, to: 2, reason: 'no-room' }] : event,
        ),
      'given up',
    ],
    'a break that is not told': [
      () => changed((event) => (event.type === 'open' ? [event, { ...event, connection: 1 }] : event)),
      'without a reconnecting',
    ],
    'a break without its end': [
      () =>
        changed((event, index) =>
          index === 3 ? [event, { type: 'reconnecting', attempt: 1, delayMs: 0 }] : event,
        ),
      'without a reconnected',
    ],
    'a silence that is noticed late': [
      () => ({ ...whole, silences: [{ kind: 'halfOpen', atMs: (whole.events.at(-1)?.atMs ?? 0) - 5100 }] }),
      ': noticed after 5100 ms',
    ],
    'a replay that is too fast': [() => ({ ...whole, replayLeadSeconds: 1 }), 's too fast'],
    'a break without a reason': [() => ({ ...whole, unexplainedEnds: 1 }), 'without a reason'],
    'an error': [
      () =>
        changed((event, index) => (index === 3 ? [event, { type: 'error', error: new Error('x') }] : event)),
      'error events',
    ],
    'a second end': [
      () => changed((event) => (event.type === 'end' ? [event, event] : event)),
      'not the one end',
    ],
  };

  test.each(Object.entries(MISTAKES))('%s', (_name, [make, complaint]) => {
    expect(complaintsOf(make()).join('\n')).toContain(complaint);
  });
});

describe('of turns, a complaint comes of', () => {
  let whole: Recording;

  beforeAll(async () => {
    whole = await perform(samplePlan(({ protocol, eagerEnds }) => protocol === 'flux' && eagerEnds));
    expect(complaintsOf(whole)).toEqual([]);
  });

  /** The recording with the second event of the type changed. */
  function withSecond(type: LiveEvent['type'], change: (event: RecordedEvent) => RecordedEvent[]): string {
    const second = whole.events.filter(({ event }) => event.type === type)[1];
    if (second === undefined) throw new Error(`There is no second ${type}.`);
    const events = whole.events.flatMap((recorded) => (recorded === second ? change(recorded) : [recorded]));
    return complaintsOf({ ...whole, events }).join('\n');
  }

  test('a start that is lost', () => {
    expect(withSecond('turn-start', () => [])).toContain('which is not open');
  });

  test('an end that is lost', () => {
    expect(withSecond('turn-end', () => [])).toContain('where turn 1 is due');
  });

  test('a turn that is told twice', () => {
    expect(withSecond('turn-end', (end) => [end, end])).toContain('where turn 2 is due');
  });

  test('an eager end that is told twice', () => {
    expect(withSecond('turn-eager-end', (end) => [end, end])).toContain('comes twice');
  });

  test('a turn with another text', () => {
    const change = (end: RecordedEvent) => [{ ...end, event: { ...end.event, text: 'x' } as LiveEvent }];
    expect(withSecond('turn-end', change)).toContain('and the final');
  });
});
