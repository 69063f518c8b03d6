import type { ResolvedSource, UploadAudio } from '../contracts/audio-source.js';
import type { AudioStore } from '../contracts/audio-store.js';
import type { Clock } from '../contracts/clock.js';
import type { EventSink } from '../contracts/events.js';
import { UnsupportedSourceError } from '../errors/index.js';
import { abortError, claimUnlessAborted, raceAbort } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { startDeadline } from '../resilience/deadline.js';
import type { JobRecord, JobSource } from './record.js';

/** Sources of failed and cancelled jobs that are kept for a retry. */
const MAX_ENDED = 1000;
/** Deepgram begins to fetch at once; the rest is room for a clock that is wrong and a connection that is slow. */
const URL_SECONDS = 3600;
const URL_TIMEOUT_MS = 30_000;

type StoredSource = Extract<JobSource, { kind: 'stored' }>;

export interface AudioShelfParts {
  /** Reports its failures as TranscriptionErrors. */
  readonly audioStore?: AudioStore | undefined;
  readonly emit: EventSink;
  readonly clock: Clock;
}

/**
 * The audio of jobs that has no URL: in the audio store where there is one, otherwise in this process.
 *
 * Invariant: audio that takes memory or room in the store is let go when its job completes; what can be begun
 * anew, a failed or cancelled job, keeps what is in the store until it is removed. In this process only files and
 * re-openable streams, which are only a way to the audio, stay, the newest ones.
 */
export class AudioShelf {
  readonly #store: AudioStore | undefined;
  readonly #emit: EventSink;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, UploadAudio>();
  readonly #ended = new Map<string, UploadAudio>();
  readonly #deleting = new Set<Promise<void>>();

  constructor({ audioStore, emit, clock }: AudioShelfParts) {
    this.#store = audioStore;
    this.#emit = emit;
    this.#clock = clock;
  }

  /** Puts the audio into the store, if there is one. What it returns names the audio in the record of a job. */
  async take(source: ResolvedSource, signal: AbortSignal): Promise<JobSource> {
    if (source.kind === 'url') return { kind: 'url', url: source.url, label: source.label };
    const { kind: audio, label, contentType } = source;
    if (this.#store === undefined) return { kind: 'local', audio, label };
    const { ref, sizeBytes } = await putInto(this.#store, source, signal);
    return { kind: 'stored', audio, label, ref, sizeBytes, ...defined({ contentType }) };
  }

  keep(jobId: string, source: ResolvedSource): void {
    if (source.kind !== 'url' && this.#store === undefined) this.#waiting.set(jobId, source);
  }

  /** Rejects with an UnsupportedSourceError where the audio is not to be had here. */
  async sourceOf({ id, data }: JobRecord): Promise<ResolvedSource> {
    const { source } = data;
    if (source.kind === 'url') return source;
    if (source.kind === 'stored') return this.#storedSource(source);
    const audio = this.#waiting.get(id) ?? this.#ended.get(id);
    if (audio !== undefined) return audio;
    throw new UnsupportedSourceError(
      'The audio of this job was kept in memory and is gone. Enqueue it again, pass a URL, or use an audioStore.',
      { code: 'unsupported_source' },
    );
  }

  jobEnded({ id, data }: JobRecord): void {
    if (data.source.kind === 'stored' && data.state === 'completed') this.drop(data.source);
    const audio = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (audio === undefined || data.state === 'completed') return;
    if (audio.kind !== 'file' && audio.kind !== 'reopenable-stream') return;
    this.#ended.set(id, audio);
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

  forget({ id, data }: JobRecord): void {
    this.drop(data.source);
    this.#waiting.delete(id);
    this.#ended.delete(id);
  }

  /** Deletes audio from the store, in the background. Where that fails, a warning tells. */
  drop(source: JobSource): void {
    if (source.kind !== 'stored' || this.#store === undefined) return;
    const deleting = this.#delete(this.#store, source.ref).finally(() => this.#deleting.delete(deleting));
    this.#deleting.add(deleting);
  }

  /** Resolves when nothing is being deleted any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#deleting);
  }

  async #delete(store: AudioStore, ref: string): Promise<void> {
    try {
      await store.delete(ref);
    } catch {
      this.#emit({
        type: 'warning',
        code: 'audio-not-deleted',
        message: `The audio store could not delete ${ref}, which no job needs any more. purge() deletes it later.`,
      });
    }
  }

  /** A store that hangs must not hold a worker. */
  async #urlOf(store: AudioStore, ref: string): Promise<string> {
    const deadline = startDeadline({
      clock: this.#clock,
      timeoutMs: URL_TIMEOUT_MS,
      signal: undefined,
      what: 'The audio store',
      advice: 'Check that it can be reached.',
    });
    try {
      const signing = store.url?.(ref, { expiresInSeconds: URL_SECONDS });
      return await raceAbort(signing as Promise<string>, deadline.signal);
    } finally {
      deadline.dispose();
    }
  }

  async #storedSource({ ref, label, audio, contentType, sizeBytes }: StoredSource): Promise<ResolvedSource> {
    const store = this.#store;
    if (store === undefined) {
      throw new UnsupportedSourceError(
        'The audio of this job is in an audio store, and this client has none. Set the option audioStore.',
        { code: 'unsupported_source' },
      );
    }
    // Deepgram fetches it by itself: it does not have to go through this process.
    if (store.url !== undefined) {
      return { kind: 'url', url: await this.#urlOf(store, ref), label };
    }
    return {
      kind: audio,
      label,
      sizeBytes,
      ...defined({ contentType }),
      reopenable: true,
      open: () => store.open(ref),
    };
  }
}

async function putInto(
  store: AudioStore,
  source: UploadAudio,
  signal: AbortSignal,
): Promise<{ readonly ref: string; readonly sizeBytes: number }> {
  const opened = await claimUnlessAborted(source.open(), signal, (late) => late.close(abortError(signal)));
  try {
    const putting = store.put(opened.chunks, { signal, ...defined({ contentType: source.contentType }) });
    // A store that takes no notice of the signal holds nobody.
    return await claimUnlessAborted(putting, signal, ({ ref }) => store.delete(ref));
  } finally {
    await opened.close();
  }
}
