import type { AudioStore, StoredAudio } from '../contracts/index.js';
import { AsyncQueue } from '../internal/async-queue.js';

/** Audio that goes from the memory into an audio store, piece by piece. */
export class Spill {
  /** Undefined where the store has failed. */
  readonly stored: Promise<StoredAudio | undefined>;
  readonly #pieces = new AsyncQueue<Uint8Array>();
  readonly #abort = new AbortController();
  readonly #store: AudioStore;
  readonly #onTaken: () => void;
  #waitingBytes = 0;
  #isOpen = true;
  #hasFailed = false;

  /** `onTaken`: the store has taken a piece, or will take none any more. */
  constructor(store: AudioStore, onTaken: () => void) {
    this.#store = store;
    this.#onTaken = onTaken;
    this.stored = store.put(this.#read(), { signal: this.#abort.signal }).catch(() => {
      this.#fail();
      onTaken();
      return undefined;
    });
  }

  /** Bytes that the store has not taken yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** More belongs to it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#waitingBytes += bytes.length;
    this.#pieces.push(bytes);
  }

  end(): void {
    this.#isOpen = false;
    this.#pieces.end();
  }

  /** Nothing of it stays in the store. */
  abort(): void {
    this.#fail();
    this.#abort.abort();
    void this.stored.then((stored) => stored && this.#store.delete(stored.ref)).catch(() => undefined);
  }

  #fail(): void {
    this.#hasFailed = true;
    this.#waitingBytes = 0;
    this.end();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#pieces) {
      this.#abort.signal.throwIfAborted();
      this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes.length);
      this.#onTaken();
      yield bytes;
    }
    // A store that sees only the end would keep what is there.
    this.#abort.signal.throwIfAborted();
  }
}
