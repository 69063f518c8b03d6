import type { ResolvedSource, UploadAudio } from '../contracts/audio-source.js';
import type { JobState } from '../contracts/job.js';
import { UnsupportedSourceError } from '../errors/index.js';
import type { JobRecord } from './record.js';

/** Sources of failed and cancelled jobs that are kept for a retry. */
const MAX_ENDED = 1000;

/**
 * The audio of jobs that has no URL.
 *
 * Invariant: audio that takes memory is let go when its job ends; of files and re-openable streams, which are
 * only a way to the audio, the newest ones of failed and cancelled jobs stay.
 */
export class AudioShelf {
  readonly #waiting = new Map<string, UploadAudio>();
  readonly #ended = new Map<string, UploadAudio>();

  keep(jobId: string, source: ResolvedSource): void {
    if (source.kind !== 'url') this.#waiting.set(jobId, source);
  }

  /** Throws an UnsupportedSourceError where this process does not have the audio. */
  sourceOf({ id, data }: JobRecord): ResolvedSource {
    if (data.source.kind === 'url') return data.source;
    const audio = this.#waiting.get(id) ?? this.#ended.get(id);
    if (audio !== undefined) return audio;
    throw new UnsupportedSourceError(
      'The audio of this job was kept in memory and is gone. Enqueue it again, or pass a URL.',
      { code: 'unsupported_source' },
    );
  }

  jobEnded(jobId: string, state: JobState): void {
    const audio = this.#waiting.get(jobId);
    this.#waiting.delete(jobId);
    if (audio === undefined || state === 'completed') return;
    if (audio.kind !== 'file' && audio.kind !== 'reopenable-stream') return;
    this.#ended.set(jobId, audio);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
  }

  jobRetried(jobId: string): void {
    const audio = this.#ended.get(jobId);
    if (audio === undefined) return;
    this.#ended.delete(jobId);
    this.#waiting.set(jobId, audio);
  }

  forget(jobId: string): void {
    this.#waiting.delete(jobId);
    this.#ended.delete(jobId);
  }
}
