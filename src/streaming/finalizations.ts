import type { Clock, TimerHandle } from '../contracts/index.js';

/** Deepgram usually marks the results that answer a Finalize, but does not promise to. */
const FINALIZE_TIMEOUT_MS = 5000;

interface Waiting {
  readonly channels: Set<number>;
  settle(error?: Error): void;
  timer?: TimerHandle;
}

/** The calls of `finalize()` that wait for their answer. They are answered in the order of sending. */
export class Finalizations {
  readonly #clock: Clock;
  #waiting: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `send` queues the message and says when it has left: the wait begins then. */
  add(send: (onSent: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        channels: new Set(),
        settle: (error) => {
          waiting.timer?.cancel();
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiting.push(waiting);
      send(() => {
        waiting.timer = this.#clock.setTimer(() => waiting.settle(), FINALIZE_TIMEOUT_MS);
      });
    });
  }

  /** Each channel answers for itself. */
  answered(channel: number, channels: number): void {
    const [first] = this.#waiting;
    if (first?.timer === undefined) return;
    first.channels.add(channel);
    if (first.channels.size >= channels) first.settle();
  }

  end(error?: Error): void {
    for (const waiting of [...this.#waiting]) waiting.settle(error);
  }
}
