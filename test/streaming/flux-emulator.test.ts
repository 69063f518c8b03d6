import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LiveConnection, LiveEvent } from '../../src/contracts/index.js';
import { systemClock } from '../../src/internal/system-clock.js';
import { FluxReceiver } from '../../src/streaming/flux-receiver.js';
import { Timeline } from '../../src/streaming/timeline.js';
import { TranscriptBuilder } from '../../src/streaming/transcript-builder.js';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from '../../src/testing/index.js';
import { chunksOf, transportTo } from '../support/live.js';

const SAMPLE_RATE = 16_000;
const BYTES_PER_SECOND = SAMPLE_RATE * 2;
const FRAME_BYTES = 2560;
const LOOKS_SECONDS = 0.8;

const SPEECH = synthesizeSpeech(
  [
    { text: 'well hello', pauseAfterSeconds: 0.45 },
    { text: 'big world', pauseAfterSeconds: 1.2 },
    { text: 'this is the second turn', pauseAfterSeconds: 4 },
    { text: 'and after', pauseAfterSeconds: 0.4 },
    { text: 'a long silence', pauseAfterSeconds: 0.3 },
    { text: 'the third one', pauseAfterSeconds: 0.9 },
    { text: 'good bye', pauseAfterSeconds: 0.2 },
  ],
  { container: 'raw', sampleRate: SAMPLE_RATE, trailSeconds: 0.2 },
);
const SPOKEN = SPEECH.words.map(({ word }) => word);

let emulator: DeepgramEmulator;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
});

afterAll(() => emulator.close());

/** Sends the speech over one connection after the other, each from where the one before was final. */
class Rig {
  readonly events: LiveEvent[] = [];
  readonly builder = new TranscriptBuilder(
    { id: 'tr', mode: 'stream', model: 'flux-general-en', region: 'test' } as never,
    systemClock,
  );
  readonly #timeline = new Timeline();
  #connections = 0;
  readonly receiver = new FluxReceiver(this.builder, this.#timeline, {
    onEvent: (event) => this.events.push(event),
    onFinalUntil: (channel, seconds, channels) => this.#timeline.advance(channel, seconds, channels),
    onFinalized: () => undefined,
    onMetadata: () => undefined,
    onConfigured: () => undefined,
  });

  /** Up to the byte, where the connection is dropped once all of it was heard; without one, to the end. */
  async connect(parameters: Readonly<Record<string, number>>, upTo?: number): Promise<void> {
    const index = this.#connections;
    this.#connections += 1;
    const from = Math.floor(this.finalUntil * SAMPLE_RATE) * 2;
    const offset = from / BYTES_PER_SECOND;
    this.#timeline.begin(index, offset);
    let heard = offset;
    let connection: LiveConnection | undefined;
    const closed = new Promise<void>((resolve, reject) => {
      const transport = transportTo(emulator.url, {
        protocol: 'flux',
        parameters: {
          model: 'flux-general-en',
          encoding: 'linear16',
          sample_rate: SAMPLE_RATE,
          ...parameters,
        },
      });
      connection = transport.connect({
        onOpen: () => this.#send(connection, from, upTo),
        onMessage: (message) => {
          this.receiver.receive(message, index);
          if (typeof message.audio_window_end === 'number') heard = offset + message.audio_window_end;
        },
        onClose: (_close, error) => (error === undefined ? resolve() : reject(error)),
        onWarning: () => undefined,
        onPong: () => undefined,
        onDrain: () => undefined,
      });
    });
    if (upTo !== undefined) {
      // The emulator looks at the audio four times a second, and a turn may have ended up to that long before a look.
      await vi.waitFor(() => expect(heard).toBeGreaterThan(upTo / BYTES_PER_SECOND - LOOKS_SECONDS), 5000);
      connection?.close();
    }
    await closed;
  }

  get connections(): number {
    return this.#connections;
  }

  get finalUntil(): number {
    return this.#timeline.finalUntil(0);
  }

  #send(connection: LiveConnection | undefined, from: number, upTo: number | undefined): void {
    for (const chunk of chunksOf(SPEECH.audio.subarray(from, upTo), FRAME_BYTES))
      connection?.sendAudio(chunk);
    if (upTo === undefined) connection?.sendControl('CloseStream');
  }

  words(): string[] {
    return this.builder.build().channels[0]?.words.map(({ word }) => word) ?? [];
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

describe('with the Flux of the emulator', () => {
  it('one connection gives every word, in turns', async () => {
    const rig = new Rig();
    await rig.connect({ eager_eot_threshold: 0.3 });
    rig.receiver.end();
    expect(rig.words()).toEqual(SPOKEN);
    const turns = rig.events.filter((event) => event.type === 'turn-end').map(({ text }) => text);
    expect(turns).toEqual([
      'well hello big world',
      'this is the second turn',
      'and after a long silence the third one',
      'good bye',
    ]);
    expect(rig.types().filter((type) => type === 'turn-resume')).toHaveLength(2);
    expectWellFormed(rig.events);
  });

  const seed = Number(process.env.FLUX_SEED ?? Math.floor(Math.random() * 1e6));

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    `connections that drop anywhere lose no word (seed ${seed}, run %i)`,
    async (run) => {
      const random = randomFrom(seed * 100 + run);
      const rig = new Rig();
      const parameters = run % 2 === 0 ? { eager_eot_threshold: 0.3 } : { eot_threshold: 0.6 };
      let at = 0;
      for (let drop = 0; drop < 4; drop += 1) {
        at += Math.floor((SPEECH.audio.length - at) * random() * 0.5 + FRAME_BYTES);
        at -= at % 2;
        if (at >= SPEECH.audio.length || at / BYTES_PER_SECOND <= rig.finalUntil + LOOKS_SECONDS) continue;
        await rig.connect(parameters, at);
      }
      expect(rig.connections).toBeGreaterThan(0);
      await rig.connect(parameters);
      rig.receiver.end();
      expect(rig.words()).toEqual(SPOKEN);
      for (const [index, { start, end }] of (rig.builder.build().channels[0]?.words ?? []).entries()) {
        expect(start).toBeCloseTo(SPEECH.words[index]?.start ?? -1, 1);
        expect(end).toBeCloseTo(SPEECH.words[index]?.end ?? -1, 1);
      }
      expectWellFormed(rig.events);
    },
  );
});

/** Each turn begins once, under the next number, and ends once; eager ends are taken back or followed by the end. */
function expectWellFormed(events: readonly LiveEvent[]): void {
  let next = 0;
  let isOpen = false;
  let isEager = false;
  for (const event of events) {
    if (event.type === 'turn-start') {
      expect([isOpen, event.turn]).toEqual([false, next]);
      isOpen = true;
    } else if (event.type === 'turn-eager-end') {
      expect([isOpen, isEager, event.turn]).toEqual([true, false, next]);
      isEager = true;
    } else if (event.type === 'turn-resume') {
      expect([isOpen, isEager, event.turn]).toEqual([true, true, next]);
      isEager = false;
    } else if (event.type === 'turn-end') {
      expect([isOpen, event.turn]).toEqual([true, next]);
      next += 1;
      isOpen = false;
      isEager = false;
    } else {
      expect([event.type, isOpen]).toEqual([expect.stringMatching(/^(interim|final)$/), true]);
    }
  }
  expect(isOpen).toBe(false);
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
