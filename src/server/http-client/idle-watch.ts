import { onAbort } from '../../internal/abort.js';

/** Ends a connection that gives no sign of life while it is waited for. */
export class IdleWatch {
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #stopListening: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#stopListening = onAbort(signal, () => this.#controller.abort(signal?.reason));
  }

  /** Of the connection: aborts when it is idle for too long, and with the caller's signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something is waited for from now on. */
  readonly wait = (): void => {
    this.rest();
    this.#timer = setTimeout(() => this.#controller.abort(new Error('No sign of life.')), this.#timeoutMs);
  };

  /** Nothing is waited for: whoever reads is busy with what came. */
  readonly rest = (): void => {
    clearTimeout(this.#timer);
  };

  dispose(): void {
    this.rest();
    this.#stopListening();
  }
}
