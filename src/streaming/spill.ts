import type { AudioStore, StoredAudio } from '../contracts/index.js';
import { AsyncQueue } from '../internal/async-queue.js';

/** Bytes that may wait for a store that is slower than the audio. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** Audio that goes from the memory into an audio store, piece by piece. */
export class Spill {
  readonly #pieces = new AsyncQueue<Uint8Array>();
  readonly #abort = new AbortController();
  readonly #stored: Promise<StoredAudio | undefined>;
  #waitingBytes = 0;
  #hasFailed = false;

  constructor(store: AudioStore) {
    this.#stored = store.put(this.#read(), { signal: this.#abort.signal }).catch(() => {
      this.#hasFailed = true;
      return undefined;
    });
  }

  /** False where the store does not keep up, or has failed: then the audio is lost. */
  write(bytes: Uint8Array): boolean {
    if (!this.#hasFailed && this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) this.abort();
    if (this.#hasFailed) return false;
    this.#waitingBytes += bytes.length;
    this.#pieces.push(bytes);
    return true;
  }

  /** Undefined where the store has failed. */
  end(): Promise<StoredAudio | undefined> {
    this.#pieces.end();
    return this.#stored;
  }

  abort(): void {
    this.#hasFailed = true;
    this.#abort.abort();
    this.#pieces.end();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#pieces) {
      this.#waitingBytes -= bytes.length;
      yield bytes;
    }
  }
}
