import type { LiveEvent, StreamOptions, Transcript } from '../../../src/contracts/index.js';
import { TranscriptionError } from '../../../src/errors/index.js';
import type { BridgeClient, BridgeLive } from '../../../src/server/websocket/index.js';
import { deferred } from '../../../src/streaming/deferred.js';

export const TRANSCRIPT: Transcript = {
  id: 'tr_1',
  requestId: 'request-1',
  requestIds: ['request-1'],
  mode: 'stream',
  text: 'one two',
  durationSeconds: 1,
  channels: [],
  utterances: [],
  paragraphs: [],
  model: 'nova-3',
  region: 'here',
  createdAt: '2026-01-01T00:00:00.000Z',
  response: { results: [{ secret: 'of-the-response' }], metadata: [] },
};

export function interim(text: string, channel = 0): LiveEvent {
  return { type: 'interim', channel, text, start: 0, end: 1, confidence: 1, words: [] };
}

export function final(text: string, channel = 0): LiveEvent {
  return {
    ...(interim(text, channel) as LiveEvent & { type: 'interim' }),
    type: 'final',
    speechFinal: true,
    fromFinalize: false,
  };
}

/** A live session that says what the test wants. */
export class FakeLive implements BridgeLive {
  readonly id = `live_${Math.random().toString(36).slice(2)}`;
  readonly options: StreamOptions;
  readonly received: Uint8Array[] = [];
  readonly calls: string[] = [];
  /** Set: `send()` waits. */
  blocked: { readonly promise: Promise<void>; readonly open: () => void } | undefined;
  #events: LiveEvent[] = [];
  #wake: () => void = () => undefined;
  #outcome = deferred<Transcript>();
  #isOver = false;

  constructor(options: StreamOptions) {
    this.options = options;
    this.#outcome.promise.catch(() => undefined);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  tell(...events: LiveEvent[]): void {
    this.#events.push(...events);
    this.#wake();
  }

  block(): void {
    let open: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.blocked = { promise, open };
  }

  unblock(): void {
    this.blocked?.open();
    this.blocked = undefined;
  }

  async send(chunk: Uint8Array): Promise<void> {
    if (this.#isOver) throw new TranscriptionError('over', { code: 'live_ended' });
    this.received.push(Uint8Array.from(chunk));
    await this.blocked?.promise;
  }

  async finalize(): Promise<void> {
    this.calls.push('finalize');
  }

  finish(): Promise<Transcript> {
    if (!this.calls.includes('finish')) this.calls.push('finish');
    if (!this.#isOver) this.#end({ type: 'end', transcript: TRANSCRIPT });
    this.#outcome.resolve(TRANSCRIPT);
    return this.#outcome.promise;
  }

  fail(error: Error): void {
    this.#outcome.reject(error);
    this.#end({ type: 'error', error }, { type: 'end' });
  }

  abort(reason?: unknown): void {
    this.calls.push('abort');
    if (!this.#isOver) this.fail(reason as Error);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<LiveEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      if (event?.type === 'end') return;
    }
  }

  #end(...events: LiveEvent[]): void {
    this.#isOver = true;
    this.tell(...events);
  }
}

export class FakeClient implements BridgeClient {
  readonly lives: FakeLive[] = [];
  /** What `stream()` throws instead. */
  refusal: Error | undefined;

  stream(options: StreamOptions): FakeLive {
    if (this.refusal !== undefined) throw this.refusal;
    const live = new FakeLive(options);
    this.lives.push(live);
    return live;
  }

  get last(): FakeLive {
    return this.lives.at(-1) as FakeLive;
  }
}
