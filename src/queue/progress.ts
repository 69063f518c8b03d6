import type { OpenedAudio, ResolvedSource } from '../contracts/audio-source.js';
import type { Clock, TimerHandle } from '../contracts/clock.js';
import type { JobProgress } from '../contracts/job.js';
import { defined } from '../internal/defined.js';

/** An attempt that is over by then tells of no progress, and one that goes on tells of it this often. */
const EVERY_MS = 500;

/** How far one attempt is, told now and then. */
export class AttemptProgress {
  readonly #clock: Clock;
  readonly #tell: (progress: JobProgress) => void;
  #timer: TimerHandle | undefined;
  #progress: JobProgress = { phase: 'processing' };
  #told: JobProgress | undefined;

  constructor(clock: Clock, tell: (progress: JobProgress) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#tick();
  }

  /** The same source, whose bytes are counted on their way. */
  watch(source: ResolvedSource): ResolvedSource {
    if (source.kind === 'url') return source;
    return {
      ...source,
      open: async () => {
        const audio = await source.open();
        // All of it is in memory and leaves at once: there is nothing to count.
        if (audio.bytes !== undefined) return audio;
        return { ...audio, chunks: this.#count(audio) };
      },
    };
  }

  storing(): void {
    this.#progress = { phase: 'storing' };
  }

  end(): void {
    this.#timer?.cancel();
  }

  async *#count({ chunks, sizeBytes }: OpenedAudio): AsyncGenerator<Uint8Array> {
    const size = defined({ totalBytes: sizeBytes });
    let sentBytes = 0;
    for await (const chunk of chunks) {
      yield chunk;
      sentBytes += chunk.byteLength;
      this.#progress = { phase: 'uploading', sentBytes, ...size };
    }
    this.#progress = { phase: 'processing', sentBytes, ...size };
  }

  #tick(): void {
    this.#timer = this.#clock.setTimer(() => {
      if (this.#progress !== this.#told) this.#tell(this.#progress);
      this.#told = this.#progress;
      this.#tick();
    }, EVERY_MS);
  }
}
