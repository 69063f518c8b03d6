import { describe, expect, test } from 'vitest';
import type { LiveEvent } from '../../src/contracts/index.js';
import { EventFeed } from '../../src/streaming/event-feed.js';
import { collect } from '../support/live.js';

const BOUND = 1000;
const segment = { channel: 0, text: 'word', start: 0, end: 1, confidence: 1, words: [] };
const turn = { ...segment, turn: 0, endConfidence: 1 };

const warning = (message: string): LiveEvent => ({ type: 'warning', code: 'invalid_message', message });

describe('events that nobody reads', () => {
  test.each<[string, (index: number) => LiveEvent]>([
    ['warning', (index) => warning(String(index))],
    ['speech-start', (at) => ({ type: 'speech-start', channel: 0, at })],
    ['utterance-end', (lastWordEnd) => ({ type: 'utterance-end', channel: 0, lastWordEnd })],
  ])('of the type %s are bounded, and the newest ones are kept', async (_type, make) => {
    const feed = new EventFeed();
    for (let index = 0; index < 5000; index += 1) feed.push(make(index));
    feed.push({ type: 'end' });
    const events = await collect(feed);
    expect(events.slice(0, -1)).toEqual(Array.from({ length: BOUND }, (_, index) => make(4000 + index)));
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  test('of the types that count are all kept, in order, before and after the others have filled the room', async () => {
    const kept: LiveEvent[] = [];
    const feed = new EventFeed();
    const push = (event: LiveEvent) => {
      kept.push(event);
      feed.push(event);
    };
    const lasting = () => {
      push({ type: 'final', speechFinal: true, fromFinalize: false, ...segment });
      push({ type: 'turn-end', ...turn });
      push({ type: 'gap', from: 0, to: 1, reason: 'no-room' });
      push({ type: 'open', connection: 0 });
    };
    for (let index = 0; index < 500; index += 1) lasting();
    for (let index = 0; index < 3000; index += 1) feed.push(warning('one of many'));
    for (let index = 0; index < 10; index += 1) lasting();
    push({ type: 'error', error: new Error('failed') });
    push({ type: 'end' });
    const events = await collect(feed);
    expect(events.filter(({ type }) => type !== 'warning')).toEqual(kept);
    expect(events.length - kept.length).toBeLessThanOrEqual(1);
  });

  test('of the bounded types are all told to a consumer that reads', async () => {
    const feed = new EventFeed();
    const events = collect(feed);
    for (let index = 0; index < 3000; index += 1) {
      feed.push(warning(String(index)));
      await Promise.resolve();
      await Promise.resolve();
    }
    feed.push({ type: 'end' });
    expect((await events).length).toBe(3001);
  });
});
