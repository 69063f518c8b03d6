import { expect, test } from 'vitest';
import type { LiveEvent } from '../../src/contracts/index.js';
import { createId } from '../../src/internal/ids.js';
import { Inbox } from '../../src/streaming/inbox.js';
import { Timeline } from '../../src/streaming/timeline.js';
import { TranscriptBuilder } from '../../src/streaming/transcript-builder.js';
import { metadata, results } from '../support/fake-live-transport.js';
import { ManualClock } from '../support/manual-clock.js';

function inbox(language?: string) {
  const events: LiveEvent[] = [];
  const builder = new TranscriptBuilder(
    { id: createId('tr'), model: 'nova-3', language, region: 'eu' },
    new ManualClock(),
  );
  const receiver = new Inbox(builder, new Timeline(), {
    onEvent: (event) => events.push(event),
    onFinalized: () => undefined,
    onMetadata: () => undefined,
    onFinalUntil: () => undefined,
    onConfigured: () => undefined,
  });
  const receive = (...messages: Record<string, unknown>[]) => {
    for (const message of messages) receiver.receive(message, 0);
  };
  return { builder, events, receive };
}

const short = (events: readonly LiveEvent[]) =>
  events.map((event) => ('text' in event ? `${event.type}: ${event.text}` : event.type));

test('finals are joined to utterances until speech_final, channel by channel', () => {
  const { builder, receive } = inbox();
  receive(
    results('one two', { start: 0 }),
    results('left', { start: 0.5, channel: 1, channels: 2, speech_final: true }),
    results('three', { start: 2, speech_final: true }),
    results('four', { start: 5 }),
    { type: 'UtteranceEnd', channel: [0, 1], last_word_end: 5.3 },
    results('five', { start: 9 }),
  );
  const transcript = builder.build();
  expect(transcript.utterances.map(({ channel, start, end, text }) => [channel, start, end, text])).toEqual([
    [0, 0, 2.3, 'one two three'],
    [1, 0.5, 0.8, 'left'],
    [0, 5, 5.3, 'four'],
    [0, 9, 9.3, 'five'],
  ]);
  expect(transcript.text).toBe('one two three four five\nleft');
  expect(transcript.channels[0]?.confidence).toBeCloseTo(0.9);
  expect(transcript.durationSeconds).toBeCloseTo(9.4);
  expect(transcript.createdAt).toBe('2026-01-01T00:00:00.000Z');
});

test('silence counts as time, not as text', () => {
  const { builder, receive, events } = inbox();
  receive(
    results('hello'),
    results('', { start: 1, duration: 9 }),
    results('', { start: 10, isFinal: false, duration: 2 }),
  );
  expect(builder.build()).toMatchObject({ text: 'hello', durationSeconds: 12 });
  expect(builder.build().response.results).toHaveLength(2);
  receive(metadata(12.5));
  expect(builder.build().durationSeconds).toBe(12.5);
  expect(short(events)).toEqual(['final: hello']);
});

test('silence is told where it takes back an interim or ends an utterance', () => {
  const { receive, events, builder } = inbox();
  const silent = { start: 1, isFinal: false };
  receive(
    results('uh', silent),
    results('', silent),
    results('', silent),
    results('uh', silent),
    results('', { start: 1 }),
    results('hello', { start: 2 }),
    results('', { start: 3, speech_final: true }),
    results('', { start: 4, speech_final: true }),
    results('world', { start: 5 }),
  );
  expect(short(events)).toEqual([
    'interim: uh',
    'interim: ',
    'interim: uh',
    'final: ',
    'final: hello',
    'final: ',
    'final: world',
  ]);
  expect(builder.build().utterances.map(({ text }) => text)).toEqual(['hello', 'world']);
});

test('the speaker of an utterance is named where it is one', () => {
  const { receive, builder } = inbox();
  const said = (speakers: number[], start: number) => {
    const message = results(speakers.map((speaker) => `s${speaker}`).join(' '), {
      start,
      speech_final: true,
    });
    const { alternatives } = message.channel as { alternatives: { words: { speaker?: number }[] }[] };
    for (const [index, word] of (alternatives[0]?.words ?? []).entries()) word.speaker = speakers[index] ?? 0;
    return message;
  };
  receive(said([1, 1], 0), said([0, 1], 2));
  expect(builder.build().utterances.map(({ speaker }) => speaker)).toEqual([1, undefined]);
});

test('the language is the one of most words, else the one asked for', () => {
  expect(inbox('de').builder.build().language).toBe('de');
  expect(inbox('multi').builder.build().language).toBeUndefined();
  const { receive, builder } = inbox('multi');
  for (const language of ['es', 'en', 'es']) {
    const message = results('word');
    const { alternatives } = message.channel as { alternatives: { words: { language?: string }[] }[] };
    for (const word of alternatives[0]?.words ?? []) word.language = language;
    receive(message);
  }
  expect(builder.build().language).toBe('es');
});

test('request ids are kept once each, the first one first; the id of the transcript stays', () => {
  const { receive, builder } = inbox();
  builder.addRequestId('handshake');
  receive(results('one'), results('two', { start: 1 }), metadata(2));
  expect(builder.build()).toMatchObject({ requestId: 'handshake', requestIds: ['handshake', 'request-1'] });
  expect(builder.build().id).toBe(builder.build().id);
  expect(builder.build().id).toMatch(/^tr_[0-9a-f]{32}$/);
});

test('a transcript handed out does not change later', () => {
  const { receive, builder } = inbox();
  receive(results('one'));
  const early = builder.build();
  const copy = structuredClone(early);
  receive(results('two', { start: 1 }), metadata(2));
  expect(early).toEqual(copy);
});

test('an unknown type is told of once; speech starts are events', () => {
  const { receive, events } = inbox();
  receive(
    { type: 'A' },
    { type: 'A' },
    { type: 'B' },
    { type: 'SpeechStarted', channel: [0], timestamp: 1.5 },
  );
  expect(events).toMatchObject([
    { type: 'warning', code: 'unknown_message', message: expect.stringContaining(' A,') },
    { type: 'warning', code: 'unknown_message' },
    { type: 'speech-start', channel: 0, at: 1.5 },
  ]);
});
