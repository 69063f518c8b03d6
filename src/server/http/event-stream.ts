import type { Clock, TimerHandle } from '../../contracts/index.js';
import { onAbort } from '../../internal/abort.js';

/** One event, as the lines of a stream of server-sent events have it. */
export interface ServerEvent {
  readonly event: string;
  /** What a browser says it has seen when it comes again. Missing: it is as if this event had not been there. */
  readonly id?: string;
  readonly data: unknown;
}

export interface EventStreamParts<Value> {
  readonly source: AsyncIterator<Value>;
  /** Undefined: it is passed over. */
  readonly toEvent: (value: Value) => ServerEvent | undefined;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Aborts where the reader has gone. */
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
  /** Called once, however the stream ends. */
  readonly onEnd: () => void;
}

interface Pending {
  readonly text: string;
  /** True: it is worth nothing once another one is there. */
  readonly isPassing: boolean;
}

/** How long a browser waits before it comes again. */
const RETRY_MS = 2000;
/** Of a reader that does not read, the oldest are dropped. */
const MAX_PENDING = 100;
/** Heartbeats that a reader may leave unread before it counts as gone. */
const MAX_UNREAD = 4;
const HEARTBEAT = ': still here\n\n';

/** A body of `text/event-stream`. It ends with its source, and ends its source where the reader goes. */
export function eventStream<Value>(parts: EventStreamParts<Value>): ReadableStream<Uint8Array> {
  const events = new EventStream(parts);
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => events.start(controller),
      pull: () => events.pull(),
      cancel: () => events.end(),
    },
    // Nothing is made ready before somebody reads.
    { highWaterMark: 0 },
  );
}

class EventStream<Value> {
  readonly #parts: EventStreamParts<Value>;
  readonly #encoder = new TextEncoder();
  readonly #pending: Pending[] = [{ text: `retry: ${RETRY_MS}\n\n`, isPassing: false }];
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: TimerHandle | undefined;
  #forgetSignal: () => void = () => undefined;
  /** Set while somebody reads and there is nothing to read. */
  #wake: (() => void) | undefined;
  #unread = 0;
  #isSourceDone = false;
  #isEnded = false;

  constructor(parts: EventStreamParts<Value>) {
    this.#parts = parts;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#setTimer();
    void this.#follow();
    this.#forgetSignal = onAbort(this.#parts.signal, () => this.#break());
  }

  async pull(): Promise<void> {
    this.#unread = 0;
    if (this.#pending.length === 0 && !this.#isSourceDone && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isEnded) return;
    const next = this.#pending.shift();
    if (next !== undefined) this.#controller.enqueue(this.#encoder.encode(next.text));
    if (this.#pending.length > 0 || !this.#isSourceDone) return;
    this.#controller.close();
    this.end();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#forgetSignal();
    this.#pending.length = 0;
    void this.#parts.source.return?.().catch(() => undefined);
    this.#parts.onEnd();
    this.#wakeReader();
  }

  /** Reads ahead of the reader, so that of what passes no more than the last one is kept. */
  async #follow(): Promise<void> {
    const { source, toEvent, onError } = this.#parts;
    try {
      for (let next = await source.next(); !next.done && !this.#isEnded; next = await source.next()) {
        const event = toEvent(next.value);
        if (event !== undefined) this.#push({ text: textOf(event), isPassing: event.id === undefined });
      }
    } catch (error) {
      if (!this.#isEnded) onError(error);
    }
    this.#isSourceDone = true;
    this.#wakeReader();
  }

  #push(pending: Pending): void {
    if (this.#pending.at(-1)?.isPassing) this.#pending.pop();
    this.#pending.push(pending);
    if (this.#pending.length > MAX_PENDING) this.#pending.shift();
    this.#wakeReader();
  }

  #setTimer(): void {
    this.#timer = this.#parts.clock.setTimer(() => this.#beat(), this.#parts.heartbeatMs);
    this.#timer.unref?.();
  }

  #beat(): void {
    if (this.#wake !== undefined) this.#push({ text: HEARTBEAT, isPassing: true });
    else this.#unread += 1;
    if (this.#unread > MAX_UNREAD) this.#break();
    else this.#setTimer();
  }

  /** For a reader that is gone: what waits for it is let go of. */
  #break(): void {
    if (this.#isEnded) return;
    this.#controller.error(new Error('The reader of the events has gone.'));
    this.end();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function textOf({ event, id, data }: ServerEvent): string {
  const lines = [
    `event: ${event}`,
    ...(id === undefined ? [] : [`id: ${id}`]),
    `data: ${JSON.stringify(data)}`,
  ];
  return `${lines.join('\n')}\n\n`;
}
