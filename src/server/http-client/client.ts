import type { StoredTranscript } from '../../contracts/index.js';
import { invalidOption } from '../../internal/validate.js';
import { HttpClientError } from './http-client-error.js';
import { followJob } from './job-events.js';
import type { HttpClientSettings } from './options.js';
import { Requests } from './requests.js';
import { transcribeRequestOf } from './transcribe-request.js';
import type {
  AudioBody,
  CallOptions,
  HealthAnswer,
  JobAnswer,
  JobEventAnswer,
  StreamAnswer,
  TokenAnswer,
  TranscribeAnswer,
  TranscribeRequest,
  TranscriptFormat,
  UploadOptions,
} from './types.js';

/** Each call rejects with an HttpClientError, and with a BadRequestError where what it is given is wrong. */
export class TranscriptionHttpClient {
  readonly #settings: HttpClientSettings;
  readonly #requests: Requests;

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
    this.#requests = new Requests(settings);
  }

  /** Audio at a URL, or the audio itself. `mode` of the answer says what became of it. */
  transcribe(request: TranscribeRequest, options?: CallOptions): Promise<TranscribeAnswer>;
  transcribe(audio: AudioBody, options?: UploadOptions): Promise<TranscribeAnswer>;
  async transcribe(
    source: TranscribeRequest | AudioBody,
    options: UploadOptions = {},
  ): Promise<TranscribeAnswer> {
    return this.#requests.json(transcribeRequestOf(source, options));
  }

  /** Where to stream the audio to, with a short-lived token. */
  async streamOffer({ signal }: CallOptions = {}): Promise<StreamAnswer> {
    const answer = await this.transcribe({ mode: 'stream' }, { signal });
    if (answer.mode === 'stream') return answer;
    throw new HttpClientError('The server did not offer a stream.', {
      code: 'invalid_response',
      status: 200,
    });
  }

  async job(id: string, { signal }: CallOptions = {}): Promise<JobAnswer> {
    return this.#requests.json({ path: `/jobs/${segment(id)}`, signal });
  }

  /** The job as it is then. Rejects with status 409 where it has ended already. */
  async cancelJob(id: string, { signal }: CallOptions = {}): Promise<JobAnswer> {
    return this.#requests.json({ method: 'DELETE', path: `/jobs/${segment(id)}`, signal });
  }

  /**
   * The present state of the job, then each change. Ends after `completed`, `failed` or `cancelled`. A connection that
   * is lost is made anew, where it was lost, for as long as `giveUpAfterMs`.
   */
  jobEvents(id: string, { signal }: CallOptions = {}): AsyncIterable<JobEventAnswer> {
    const path = `/jobs/${segment(id)}/events`;
    const parts = { requests: this.#requests, settings: this.#settings, path, signal };
    return { [Symbol.asyncIterator]: () => followJob(parts) };
  }

  /** The job when it has ended: completed, failed or cancelled. Rejects where there is no telling. */
  async waitForJob(id: string, options: CallOptions = {}): Promise<JobAnswer> {
    let last: JobAnswer | undefined;
    for await (const { status } of this.jobEvents(id, options)) last = status;
    return last ?? this.job(id, options);
  }

  async transcript(id: string, { signal }: CallOptions = {}): Promise<StoredTranscript> {
    return this.#requests.json({ path: `/transcripts/${segment(id)}`, signal });
  }

  /** As plain text, or as captions. */
  async transcriptText(id: string, format: TranscriptFormat, { signal }: CallOptions = {}): Promise<string> {
    if (!['txt', 'srt', 'vtt'].includes(format))
      throw invalidOption('format', "'txt', 'srt' or 'vtt'", format);
    return this.#requests.text({ path: `/transcripts/${segment(id)}.${format}`, signal });
  }

  /** A short-lived token of Deepgram's own. */
  async token({ signal }: CallOptions = {}): Promise<TokenAnswer> {
    return this.#requests.json({ method: 'POST', path: '/token', signal });
  }

  /** Also of a server that cannot work: its `status` is then `down`. */
  async health({ signal }: CallOptions = {}): Promise<HealthAnswer> {
    return this.#requests.json({ path: '/health', signal, isAnswer: isHealth });
  }
}

function isHealth(data: object | undefined): boolean {
  return (data as Partial<HealthAnswer> | undefined)?.status === 'down';
}

function segment(id: unknown): string {
  // As a path these would mean another one.
  const isFit = typeof id === 'string' && id !== '' && id !== '.' && id !== '..';
  if (!isFit) throw invalidOption('id', 'an id', id);
  return encodeURIComponent(id);
}
