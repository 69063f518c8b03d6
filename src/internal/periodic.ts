import type { Clock, TimerHandle } from '../contracts/clock.js';

/** Does something at once and then again and again, each time a while after the time before has ended. */
export class Periodic {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #work: () => Promise<void>;
  #timer: TimerHandle | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  /** Where `work` rejects nobody hears of it, and it is done again at its time. */
  constructor(clock: Clock, everyMs: number, work: () => Promise<void>) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#work = work;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#running = this.#work().catch(() => undefined);
    this.#timer = this.#clock.setTimer(() => {
      void this.#running.then(() => this.start());
    }, this.#everyMs);
    // A process that has nothing else to do may end.
    this.#timer.unref?.();
  }

  /** Resolves when nothing is being done any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }
}
