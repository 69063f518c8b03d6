import type { Clock, TimerHandle } from '../contracts/index.js';

/** Deepgram closes a stream after 10 s without audio and asks for a sign of life every 3 to 5 s. */
const KEEP_ALIVE_MS = 4000;
/** Audio that a look finds has come in the time since the look before. */
const LOOK_MS = 2000;

export interface KeepAliveHooks {
  /** Bytes of audio that were sent so far. */
  sentBytes(): number;
  /** A sign of life is due. */
  onQuiet(): void;
}

/**
 * Tells 3 to 5 s after the last audio, and then every 4 s, that a sign of life is due. It looks at the bytes that were
 * sent now and then: asking a clock at every chunk costs much more.
 */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #hooks: KeepAliveHooks;
  #timer: TimerHandle | undefined;
  #seenBytes = 0;

  constructor(clock: Clock, hooks: KeepAliveHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  start(): void {
    this.stop();
    this.#seenBytes = this.#hooks.sentBytes();
    this.#wait(KEEP_ALIVE_MS - LOOK_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Looks twice: where the first look finds nothing, the second one comes after the rest. */
  #wait(restMs: number): void {
    this.#look(LOOK_MS, () => {
      this.#look(restMs, () => {
        this.#wait(KEEP_ALIVE_MS - LOOK_MS);
        this.#hooks.onQuiet();
      });
    });
  }

  #look(delayMs: number, onQuiet: () => void): void {
    this.#timer = this.#clock.setTimer(() => {
      const sentBytes = this.#hooks.sentBytes();
      const isQuiet = sentBytes === this.#seenBytes;
      this.#seenBytes = sentBytes;
      if (isQuiet) onQuiet();
      else this.#wait(KEEP_ALIVE_MS - LOOK_MS - LOOK_MS / 2);
    }, delayMs);
  }
}
