import type { Clock, TimerHandle } from '../contracts/index.js';

/** Deepgram usually marks the results that answer a Finalize, but does not promise to. */
const FINALIZE_TIMEOUT_MS = 5000;

interface Waiting {
  readonly channels: Set<number>;
  isSettled: boolean;
  settle(error?: Error): void;
  timer?: TimerHandle | undefined;
}

/** Queues the message. It says when it has left, and leaves again on a new connection until it is answered. */
type SendFinalize = (onSent: () => void, isAnswered: () => boolean) => void;

/** The calls of `finalize()` that wait for their answer. They are answered in the order of sending. */
export class Finalizations {
  readonly #clock: Clock;
  #waiting: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The wait begins when the message has left. */
  add(send: SendFinalize): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        channels: new Set(),
        isSettled: false,
        settle: (error) => {
          waiting.timer?.cancel();
          waiting.isSettled = true;
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiting.push(waiting);
      send(
        () => {
          waiting.timer?.cancel();
          waiting.timer = this.#clock.setTimer(() => waiting.settle(), FINALIZE_TIMEOUT_MS);
        },
        () => waiting.isSettled,
      );
    });
  }

  /** Each channel answers for itself. */
  answered(channel: number, channels: number): void {
    const [first] = this.#waiting;
    if (first?.timer === undefined) return;
    first.channels.add(channel);
    if (first.channels.size >= channels) first.settle();
  }

  /** The connection was lost: the messages will leave again, over the next one. */
  lost(): void {
    for (const waiting of this.#waiting) {
      waiting.timer?.cancel();
      waiting.timer = undefined;
      waiting.channels.clear();
    }
  }

  end(error?: Error): void {
    for (const waiting of [...this.#waiting]) waiting.settle(error);
  }
}
