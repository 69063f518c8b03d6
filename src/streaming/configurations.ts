import type { Clock, LiveConnection, TimerHandle } from '../contracts/index.js';
import { TimeoutError } from '../errors/index.js';

const ANSWER_TIMEOUT_MS = 5000;

interface Waiting {
  readonly message: Readonly<Record<string, unknown>>;
  /** What Flux has accepted before, told to one new connection. */
  readonly isRepeat?: true;
  settle(error?: Error): void;
  timer?: TimerHandle | undefined;
}

/** What was configured of a Flux stream. A new connection is told all of it again. */
export class Configurations {
  readonly #clock: Clock;
  #connection: LiveConnection | undefined;
  #accepted: Readonly<Record<string, unknown>> | undefined;
  /** They are answered in the order of sending. */
  #waiting: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settles when Flux has answered. */
  add(message: Readonly<Record<string, unknown>>): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        message,
        settle: (error) => {
          waiting.timer?.cancel();
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiting.push(waiting);
      this.#send(waiting);
    });
  }

  attach(connection: LiveConnection): void {
    this.#connection = connection;
    if (this.#accepted !== undefined) this.#waiting.unshift(this.#again(this.#accepted));
    for (const waiting of this.#waiting) this.#send(waiting);
  }

  lost(): void {
    this.#connection = undefined;
    for (const { timer } of this.#waiting) timer?.cancel();
    // The next connection gets one of its own.
    this.#waiting = this.#waiting.filter(({ isRepeat }) => !isRepeat);
  }

  answered(error?: Error): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (error === undefined) this.#accepted = merged(this.#accepted, first.message);
    first.settle(error);
  }

  end(reason: Error): void {
    for (const waiting of [...this.#waiting]) waiting.settle(reason);
  }

  #again(message: Readonly<Record<string, unknown>>): Waiting {
    const waiting: Waiting = {
      message,
      isRepeat: true,
      settle: () => {
        waiting.timer?.cancel();
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
      },
    };
    return waiting;
  }

  #send(waiting: Waiting): void {
    if (this.#connection === undefined) return;
    this.#connection.configure(waiting.message);
    waiting.timer = this.#clock.setTimer(() => waiting.settle(unanswered()), ANSWER_TIMEOUT_MS);
  }
}

/** Thresholds are changed one by one. */
function merged(before: Readonly<Record<string, unknown>> = {}, changes: Readonly<Record<string, unknown>>) {
  const thresholds = { ...(before.thresholds as object), ...(changes.thresholds as object) };
  return { ...before, ...changes, ...(Object.keys(thresholds).length > 0 && { thresholds }) };
}

function unanswered(): TimeoutError {
  return new TimeoutError(`Flux did not answer configure() within ${ANSWER_TIMEOUT_MS} ms. Try again.`, {
    code: 'timeout',
    retryable: true,
  });
}
