import type {
  AudioStore,
  LiveEvent,
  LiveEventOf,
  LiveProtocol,
  LiveSegment,
  Transcript,
  Word,
} from '../../src/contracts/index.js';
import type { TranscribeStretch } from '../../src/streaming/repairs.js';
import type { LiveSettings, SessionDependencies } from '../../src/streaming/session-types.js';
import { createSession } from '../../src/streaming/stream.js';
import { FakeTransport, results } from './fake-live-transport.js';
import { ManualClock } from './manual-clock.js';

export const SECOND_BYTES = 32_000;

/** Silence: PCM, 16 kHz, 16 bits. */
export function silence(seconds: number): Uint8Array {
  return new Uint8Array(Math.round(seconds * SECOND_BYTES));
}

/** Words of 0.3 s that begin 0.2 s after each full second between the two, `w7` at 7.2. */
export function wordsBetween(from: number, to: number, offset = from): Word[] {
  const words: Word[] = [];
  for (let second = Math.ceil(from - 0.2); second + 0.5 <= to; second += 1) {
    const start = second + 0.2 - offset;
    words.push({ word: `w${second}`, start, end: start + 0.3, confidence: 1 });
  }
  return words;
}

export function transcriptOf(words: readonly Word[]): Transcript {
  return { channels: [{ text: '', confidence: 1, words }] } as unknown as Transcript;
}

/** A final of the words spoken between two seconds of the session, on a connection that began at the offset. */
export function heard(from: number, to: number, offset = 0): Record<string, unknown> {
  const words = wordsBetween(from, to, offset);
  const transcript = words.map(({ word }) => word).join(' ');
  return {
    ...results(transcript),
    start: from - offset,
    duration: to - from,
    channel: { alternatives: [{ transcript, confidence: 1, words }] },
  };
}

/** Keeps the lengths of what it was given. */
export class CountingStore implements AudioStore {
  readonly capabilities = { shared: false, durable: false } as AudioStore['capabilities'];
  readonly sizes: number[] = [];
  readonly deleted: string[] = [];
  /** Called for every piece, and at the end of each put. */
  onPiece: (put: number, bytes: number) => Promise<void> | void = () => undefined;
  onEnd: (put: number) => Promise<void> | void = () => undefined;

  async put(audio: AsyncIterable<Uint8Array>): ReturnType<AudioStore['put']> {
    const put = this.sizes.push(0) - 1;
    for await (const piece of audio) {
      this.sizes[put] = (this.sizes[put] ?? 0) + piece.length;
      await this.onPiece(put, this.sizes[put] ?? 0);
    }
    await this.onEnd(put);
    return { ref: `aud_${put}`, sizeBytes: this.sizes[put] ?? 0 } as Awaited<ReturnType<AudioStore['put']>>;
  }

  async open(): Promise<never> {
    throw new Error('Nobody reads it.');
  }

  async delete(ref: string): Promise<boolean> {
    return this.deleted.push(ref) > 0;
  }
}

export interface SessionRigOptions {
  readonly settings?: { readonly [Name in keyof LiveSettings]?: LiveSettings[Name] | undefined };
  readonly protocol?: LiveProtocol;
  readonly store?: AudioStore;
  readonly transcribe?: TranscribeStretch;
  readonly acquire?: SessionDependencies['acquire'];
}

/** A session whose connections and time the test moves. */
export function startSession(options: SessionRigOptions = {}) {
  const { protocol = 'v1', store, transcribe = async () => transcriptOf([]), acquire } = options;
  const clock = new ManualClock();
  const transport = new FakeTransport(protocol);
  const events: LiveEvent[] = [];
  const session = createSession({
    transport,
    clock,
    transcriptId: 'tr_1',
    settings: {
      model: 'nova-3',
      encoding: 'linear16',
      sample_rate: 16_000,
      interimResults: true,
      ...options.settings,
    },
    random: () => 0.5,
    onEvent: (event: LiveEvent) => events.push(event),
    onState: () => undefined,
    onEnd: () => undefined,
    ...(store && { repair: { store, transcribe } }),
    ...(acquire && { acquire }),
  } as unknown as SessionDependencies);
  session.start();
  const rig = {
    clock,
    transport,
    events,
    live: session.controls,
    of: <Type extends LiveEvent['type']>(type: Type): LiveEventOf<Type>[] =>
      events.filter((event): event is LiveEventOf<Type> => event.type === type),
    /** Words that were told as final, in the order of their time. */
    words: (): string[] =>
      rig
        .of('final')
        .flatMap((final: LiveSegment) => [...final.words])
        .sort((a, b) => a.start - b.start)
        .map(({ word }) => word),
    async open(): Promise<void> {
      await clock.advance(0);
      transport.connection.open();
      await clock.advance(0);
    },
    /** The next attempt at a connection succeeds. */
    async reopen(): Promise<void> {
      const before = transport.connections.length;
      transport.connection.drop(1006);
      await clock.advance(300);
      if (transport.connections.length === before) await clock.advance(5000);
      await rig.open();
    },
    /** Speaks as a microphone does, which does not wait. */
    async speak(seconds: number): Promise<void> {
      for (let frame = 0; frame < seconds * 10; frame += 1) {
        session.controls.send(silence(0.1)).catch(() => undefined);
        await clock.advance(100);
      }
    },
  };
  return rig;
}

export async function openSession(options: SessionRigOptions = {}) {
  const rig = startSession(options);
  await rig.open();
  return rig;
}
