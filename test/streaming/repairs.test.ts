import { describe, expect, it } from 'vitest';
import type { TranscribeStretch } from '../../src/streaming/repairs.js';
import {
  CountingStore,
  heard,
  openSession,
  SECOND_BYTES,
  transcriptOf,
  wordsBetween,
} from '../support/live-session.js';

const names = (from: number, to: number) => wordsBetween(from, to).map(({ word }) => word);

/** What was spoken from where a stretch begins, as far as the store has it. Stretches are told where they begin. */
function transcriber(store: CountingStore, begins: readonly number[]): TranscribeStretch {
  return async ({ ref, skippedBytes }) => {
    const index = Number(ref.slice('aud_'.length));
    const seconds = ((store.sizes[index] ?? 0) - skippedBytes) / SECOND_BYTES;
    const begin = begins[index] ?? 0;
    return transcriptOf(wordsBetween(begin, begin + seconds));
  };
}

describe('repairs', () => {
  it('tell each word once where one outage follows another', async () => {
    const store = new CountingStore();
    const begins: [number, number] = [4, 0];
    const rig = await openSession({
      settings: { replaySeconds: 5 },
      store,
      transcribe: (stretch, signal) => transcriber(store, begins)(stretch, signal),
    });
    await rig.speak(4);
    rig.transport.connection.message(heard(0, 4));
    rig.transport.connection.drop(1006);
    await rig.speak(12);
    await rig.open();
    begins[1] = begins[0] + (store.sizes[0] ?? 0) / SECOND_BYTES - 3;
    // It takes the audio, and nothing becomes final.
    await rig.speak(1);
    rig.transport.connection.drop(1006);
    await rig.speak(12);
    await rig.open();
    const last = begins[1] + (store.sizes[1] ?? 0) / SECOND_BYTES - 3;
    expect(last).toBeGreaterThan(begins[1]);
    await rig.clock.advance(15_000);
    rig.transport.connection.message(heard(last, 29, last));
    const finished = rig.live.finish();
    await rig.clock.advance(3000);
    rig.transport.connection.end(29);
    await rig.clock.advance(100);
    const words = (await finished).channels[0]?.words.map(({ word }) => word);
    expect(words).toEqual(names(0, 29));
    expect(rig.words()).toEqual(names(0, 29));
    expect(rig.of('gap')).toEqual([]);
  });

  it('of an outage of several minutes tell each word once, in their places', async () => {
    const store = new CountingStore();
    const rig = await openSession({
      settings: { replaySeconds: 1.3 },
      store,
      transcribe: (stretch, signal) => transcriber(store, [0, 60, 120, 180])(stretch, signal),
    });
    rig.transport.connection.drop(1006);
    await rig.speak(200);
    await rig.open();
    const last = 200 - rig.live.stats().bytesHeld / SECOND_BYTES;
    rig.transport.connection.message(heard(last, 200, last));
    const finished = rig.live.finish();
    await rig.clock.advance(3000);
    rig.transport.connection.end(200 - last);
    await rig.clock.advance(100);
    const words = (await finished).channels[0]?.words.map(({ word }) => word);
    expect(store.sizes.length).toBeGreaterThan(3);
    expect(words).toEqual(names(0, 200));
    expect(rig.of('gap')).toEqual([]);
  });

  it('that fail leave the word behind the border to the connection', async () => {
    const rig = await openSession({
      settings: { replaySeconds: 1 },
      store: new CountingStore(),
      transcribe: () => Promise.reject(new Error('The service is down.')),
    });
    rig.transport.connection.drop(1006);
    await rig.speak(6);
    await rig.open();
    await rig.clock.advance(100);
    const begin = 5;
    rig.transport.connection.message({
      ...heard(5, 7, begin),
      channel: {
        alternatives: [
          {
            transcript: 'first second',
            confidence: 1,
            words: ['first', 'second'].map((word, at) => ({ word, start: at, end: at + 0.3, confidence: 1 })),
          },
        ],
      },
    });
    expect(rig.of('gap')).toEqual([{ type: 'gap', from: 0, to: 5, reason: 'repair-failed' }]);
    expect(rig.of('final')[0]?.text).toBe('first second');
  });
});
