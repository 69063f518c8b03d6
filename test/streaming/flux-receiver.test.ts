import { describe, expect, it } from 'vitest';
import type { LiveEvent, LiveEventOf, LiveSegment } from '../../src/contracts/index.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { FluxReceiver } from '../../src/streaming/flux-receiver.js';
import { withoutBefore } from '../../src/streaming/place-segment.js';
import { shifted } from '../../src/streaming/timeline.js';
import { TranscriptBuilder } from '../../src/streaming/transcript-builder.js';

type TurnEvent = 'StartOfTurn' | 'Update' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn';

/** A receiver, with the times of its connections in the hands of the test. */
function receive() {
  const events: LiveEvent[] = [];
  const configured: (Error | undefined)[] = [];
  const offsets: number[] = [];
  let final = 0;
  const builder = new TranscriptBuilder(
    { id: 'tr', mode: 'stream', model: 'flux-general-en', region: 'test' } as never,
    systemClock,
  );
  const receiver = new FluxReceiver(
    builder,
    {
      offsetOf: (connection) => offsets[connection] ?? 0,
      finalUntil: () => final,
      move: (segment, connection, before) => withoutBefore(later(segment, offsets[connection] ?? 0), before),
    },
    {
      onEvent: (event) => events.push(event),
      onFinalUntil: (_channel, seconds) => {
        final = Math.max(final, seconds);
      },
      onFinalized: () => undefined,
      onMetadata: () => undefined,
      onConfigured: (error) => configured.push(error),
    },
  );
  return {
    receiver,
    builder,
    events,
    configured,
    offsets,
    /** The events as short texts. */
    told: () => events.map(shown),
    finalUntil: () => final,
    makeFinal: (seconds: number) => {
      final = seconds;
    },
    /** Words of 0.4 s from `start` on, heard up to `end`. */
    turn: (
      event: TurnEvent,
      text: string,
      { turn = 0, start = 0, end, connection = 0 }: TurnPlace = {},
    ): void => receiver.receive(turnInfo(event, text, { turn, start, end, connection }), connection),
  };
}

interface TurnPlace {
  readonly turn?: number;
  readonly start?: number;
  readonly end?: number | undefined;
  readonly connection?: number;
}

function later({ start, end, words, ...segment }: LiveSegment, seconds: number): LiveSegment {
  const moved = words.map((word) => shifted(word, seconds));
  return { ...segment, start: start + seconds, end: end + seconds, words: moved };
}

function turnInfo(event: TurnEvent, text: string, { turn, start = 0, end }: TurnPlace) {
  const words = text.split(' ').filter(Boolean);
  return {
    type: 'TurnInfo',
    request_id: 'request-1',
    sequence_id: 1,
    event,
    turn_index: turn,
    audio_window_start: 0,
    audio_window_end: end ?? start + words.length * 0.4,
    transcript: text,
    words: words.map((word, index) => ({
      word,
      confidence: 0.9,
      start: start + index * 0.4,
      end: start + index * 0.4 + 0.3,
    })),
    end_of_turn_confidence: 0.5,
  };
}

function shown(event: LiveEvent): string {
  const turn = 'turn' in event ? ` ${event.turn}` : '';
  const text = 'text' in event ? `: ${event.text}` : '';
  return `${event.type}${turn}${text}`;
}

describe('turns of one connection', () => {
  it('start, grow, and end with a final', () => {
    const { turn, told, events, receiver, builder, finalUntil } = receive();
    turn('Update', '');
    turn('StartOfTurn', 'we', { start: 1 });
    turn('Update', 'well hello', { start: 1 });
    turn('EndOfTurn', 'Well hello.', { start: 1, end: 3 });
    turn('Update', '', { turn: 1, end: 3.2 });
    turn('StartOfTurn', 'bye', { turn: 1, start: 4 });
    turn('EndOfTurn', 'Bye.', { turn: 1, start: 4, end: 5 });
    expect(told()).toEqual([
      'turn-start 0',
      'interim: we',
      'interim: well hello',
      'final: Well hello.',
      'turn-end 0: Well hello.',
      'turn-start 1',
      'interim: bye',
      'final: Bye.',
      'turn-end 1: Bye.',
    ]);
    expect(events[0]).toEqual({ type: 'turn-start', turn: 0, at: 1 });
    expect(events[3]).toMatchObject({ speechFinal: true, fromFinalize: false, start: 1, end: 3, channel: 0 });
    expect(events[4]).toMatchObject({ endConfidence: 0.5 });
    expect([receiver.finals, receiver.interims, finalUntil()]).toEqual([2, 3, 5]);
    const transcript = builder.build();
    expect(transcript).toMatchObject({
      text: 'Well hello. Bye.',
      requestIds: ['request-1'],
      durationSeconds: 5,
    });
    expect(transcript.utterances.map(({ text }) => text)).toEqual(['Well hello.', 'Bye.']);
    expect(transcript.channels[0]?.words.map(({ word }) => word)).toEqual(['well', 'hello', 'bye']);
  });

  it('end eagerly, resume, and end eagerly again', () => {
    const { turn, told, events } = receive();
    turn('StartOfTurn', 'a');
    turn('EagerEndOfTurn', 'a', { end: 1 });
    turn('TurnResumed', 'a b');
    turn('EagerEndOfTurn', 'a b', { end: 2 });
    turn('EndOfTurn', 'a b', { end: 3 });
    expect(told()).toEqual([
      'turn-start 0',
      'interim: a',
      'turn-eager-end 0: a',
      'turn-resume 0',
      'turn-eager-end 0: a b',
      'final: a b',
      'turn-end 0: a b',
    ]);
    expect(events[3]).toEqual({ type: 'turn-resume', turn: 0, at: 0.4 });
  });

  it('take an interim back where nothing is left of it', () => {
    const { turn, told, builder } = receive();
    turn('StartOfTurn', 'um');
    turn('Update', '', { end: 1 });
    turn('Update', '', { end: 1.2 });
    turn('EndOfTurn', '', { end: 2 });
    expect(told()).toEqual(['turn-start 0', 'interim: um', 'interim: ', 'turn-end 0: ']);
    expect(builder.build().text).toBe('');
  });

  it('begin with whatever comes first, and end where their end was lost', () => {
    const { turn, told } = receive();
    turn('Update', 'a');
    turn('Update', 'b', { turn: 1, start: 2 });
    expect(told()).toEqual([
      'turn-start 0',
      'interim: a',
      'final: a',
      'turn-end 0: a',
      'turn-start 1',
      'interim: b',
    ]);
  });

  it('keep a word that Flux hears before the end of the turn before it', () => {
    const { turn, told } = receive();
    turn('EndOfTurn', 'a', { end: 2 });
    turn('EndOfTurn', 'b', { turn: 1, start: 1.5, end: 4 });
    expect(told()).toContain('final: b');
  });

  it('are ended by the end of the stream', () => {
    const { turn, told, receiver, finalUntil, builder } = receive();
    receiver.end();
    expect(told()).toEqual([]);
    turn('StartOfTurn', 'good');
    turn('Update', 'good bye', { end: 1.5 });
    receiver.end();
    receiver.end();
    expect(told().slice(2)).toEqual(['interim: good bye', 'final: good bye', 'turn-end 0: good bye']);
    expect(finalUntil()).toBe(1.5);
    expect(builder.build().text).toBe('good bye');
  });
});

describe('silence', () => {
  it('is final but for what may still be heard in it', () => {
    const { turn, finalUntil } = receive();
    turn('Update', '', { end: 1.5 });
    expect(finalUntil()).toBe(0);
    turn('Update', '', { end: 40 });
    expect(finalUntil()).toBe(38);
    turn('StartOfTurn', 'a', { start: 40, end: 41 });
    turn('Update', 'a', { start: 40, end: 60 });
    expect(finalUntil()).toBe(38);
  });
});

describe('turns across connections', () => {
  it('are spoken again from their begin, under their number', () => {
    const { turn, told, offsets, builder, events } = receive();
    turn('EndOfTurn', 'first turn', { end: 2 });
    turn('StartOfTurn', 'the', { turn: 1, start: 3 });
    turn('Update', 'the sec', { turn: 1, start: 3 });
    offsets[1] = 2;
    const connection = 1;
    turn('Update', '', { connection, end: 0.5 });
    turn('StartOfTurn', 'the', { connection, start: 1 });
    turn('EndOfTurn', 'the second turn', { connection, start: 1, end: 3 });
    turn('EndOfTurn', 'third', { connection, turn: 1, start: 4, end: 6 });
    expect(told()).toEqual([
      'turn-start 0',
      'final: first turn',
      'turn-end 0: first turn',
      'turn-start 1',
      'interim: the',
      'interim: the sec',
      'interim: the',
      'final: the second turn',
      'turn-end 1: the second turn',
      'turn-start 2',
      'final: third',
      'turn-end 2: third',
    ]);
    expect(events.at(7)).toMatchObject({ start: 3, end: 5 });
    const words = builder.build().channels[0]?.words ?? [];
    expect(words.map(({ connection: heardOn }) => heardOn)).toEqual([0, 0, 1, 1, 1, 1]);
    expect(words.map(({ start }) => start)).toEqual(
      [0, 0.4, 3, 3.4, 3.8, 6].map((at) => expect.closeTo(at, 5)),
    );
  });

  it('leave out what was final, on the borders of words', () => {
    const { turn, told, makeFinal } = receive();
    makeFinal(0.9);
    const connection = 1;
    turn('StartOfTurn', 'one two', { connection });
    turn('Update', 'one two three', { connection });
    turn('EndOfTurn', 'one two three four', { connection, end: 3 });
    // The middle of the third word, 0.8 to 1.1, lies behind.
    expect(told()).toEqual(['turn-start 0', 'interim: three', 'final: three four', 'turn-end 0: three four']);
  });

  it('are not told where nothing is left', () => {
    const { turn, told, receiver, finalUntil, makeFinal, builder } = receive();
    makeFinal(4);
    const connection = 1;
    turn('StartOfTurn', 'old', { connection });
    turn('EagerEndOfTurn', 'old words', { connection });
    turn('TurnResumed', 'old words', { connection });
    turn('EndOfTurn', 'old words', { connection, end: 4.5 });
    expect(told()).toEqual([]);
    expect([receiver.finals, receiver.interims, finalUntil()]).toEqual([0, 0, 4.5]);
    expect(builder.build().response.results).toEqual([]);
    turn('StartOfTurn', 'new', { connection, turn: 1, start: 5 });
    expect(told()).toEqual(['turn-start 0', 'interim: new']);
  });

  it('are let go of by their middle where a text has no words', () => {
    const { receiver, told, makeFinal } = receive();
    makeFinal(4);
    const message = (start: number) => ({
      ...turnInfo('EndOfTurn', 'text', { turn: start }),
      words: [],
      audio_window_start: start,
      audio_window_end: start + 4,
    });
    receiver.receive(message(1), 1);
    receiver.receive(message(3), 1);
    expect(told()).toEqual(['turn-start 0', 'final: text', 'turn-end 0: text']);
  });

  it('tell an eager end once, however often it is heard again', () => {
    const { turn, told } = receive();
    turn('StartOfTurn', 'a');
    turn('EagerEndOfTurn', 'a');
    turn('TurnResumed', 'a b');
    turn('EagerEndOfTurn', 'a b');
    const connection = 1;
    turn('StartOfTurn', 'a', { connection });
    turn('EagerEndOfTurn', 'a', { connection });
    turn('TurnResumed', 'a b', { connection });
    turn('EagerEndOfTurn', 'a b', { connection });
    turn('TurnResumed', 'a b c', { connection });
    turn('EndOfTurn', 'a b c', { connection, end: 4 });
    expect(told()).toEqual([
      'turn-start 0',
      'interim: a',
      'turn-eager-end 0: a',
      'turn-resume 0',
      'turn-eager-end 0: a b',
      'interim: a',
      'turn-resume 0',
      'final: a b c',
      'turn-end 0: a b c',
    ]);
  });

  it('take an eager end back where the turn goes on over the next connection', () => {
    const { turn, told } = receive();
    turn('EagerEndOfTurn', 'a');
    turn('Update', 'a b', { connection: 1 });
    turn('EagerEndOfTurn', 'a b', { connection: 1 });
    expect(told()).toEqual([
      'turn-start 0',
      'turn-eager-end 0: a',
      'turn-resume 0',
      'interim: a b',
      'turn-eager-end 0: a b',
    ]);
  });

  it('keep their words where the next connection hears nothing of them', () => {
    const { turn, told, receiver } = receive();
    turn('StartOfTurn', 'alone');
    turn('Update', '', { connection: 1, end: 2 });
    expect(told()).toEqual(['turn-start 0', 'interim: alone']);
    turn('Update', '', { connection: 1, end: 2.4 });
    expect(told().slice(2)).toEqual(['final: alone', 'turn-end 0: alone']);
    turn('StartOfTurn', 'next', { connection: 1, start: 5 });
    receiver.receive({ type: 'Connected' }, 2);
    receiver.end();
    expect(told().slice(4)).toEqual(['turn-start 1', 'interim: next', 'final: next', 'turn-end 1: next']);
  });

  it.each([1, undefined])('take words back of which something else tells (next connection: %s)', (next) => {
    const { turn, told, receiver, makeFinal } = receive();
    turn('StartOfTurn', 'gone with the outage');
    makeFinal(1);
    if (next !== undefined) receiver.receive({ type: 'Connected' }, next);
    receiver.end();
    // The middle of the third word is at 0.95.
    expect(told().slice(2)).toEqual(['final: outage', 'turn-end 0: outage']);
  });

  it('take all words back', () => {
    const { turn, told, receiver, makeFinal, builder } = receive();
    turn('StartOfTurn', 'gone');
    makeFinal(10);
    receiver.receive({ type: 'Connected' }, 1);
    receiver.end();
    expect(told().slice(2)).toEqual(['final: ', 'turn-end 0: ']);
    expect(builder.build().text).toBe('');
  });
});

describe('other messages', () => {
  it('answer a configuration', () => {
    const { receiver, configured } = receive();
    receiver.receive({ type: 'ConfigureSuccess' }, 0);
    receiver.receive({ type: 'ConfigureFailure' }, 0);
    expect(configured).toEqual([undefined, expect.objectContaining({ name: 'BadRequestError' })]);
  });

  it('are warnings', () => {
    const { receiver, events } = receive();
    const messages = [
      { type: 'Connected', request_id: 'r' },
      { type: 'TurnInfo', event: 'Update' },
      { type: 'News' },
      { type: 'News' },
      { type: 'Error', code: 'INTERNAL_SERVER_ERROR', description: 'broken' },
    ];
    for (const message of messages) receiver.receive(message, 0);
    expect(events.map((event) => (event as LiveEventOf<'warning'>).code)).toEqual([
      'invalid_message',
      'unknown_message',
      'provider_message',
    ]);
    expect(receiver.providerError).toContain('INTERNAL_SERVER_ERROR: broken');
    receiver.receive({ type: 'Connected' }, 1);
    expect(receiver.providerError).toBeUndefined();
  });

  it('do not fill the memory with their types', () => {
    const { receiver, events } = receive();
    for (let index = 0; index < 1000; index += 1) receiver.receive({ type: `News${index}` }, 0);
    expect(events).toHaveLength(100);
  });
});
