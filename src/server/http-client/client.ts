import type { StoredTranscript } from '../../contracts/index.js';
import { invalidOption } from '../../internal/validate.js';
import { isDown, isHealth, isJob, isToken, isTranscribeAnswer, isTranscript } from './answers.js';
import { signalOf } from './call-options.js';
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
    return this.#requests.json({ ...transcribeRequestOf(source, options), isAnswer: isTranscribeAnswer });
  }

  /** Where to stream the audio to, with a short-lived token. */
  async streamOffer(options: CallOptions = {}): Promise<StreamAnswer> {
    const signal = signalOf('streamOffer()', options);
    const answer = await this.transcribe({ mode: 'stream' }, { signal });
    if (answer.mode === 'stream') return answer;
    throw new HttpClientError('The server did not offer a stream.', {
      code: 'invalid_response',
      status: 200,
    });
  }

  async job(id: string, options: CallOptions = {}): Promise<JobAnswer> {
    const signal = signalOf('job()', options);
    return this.#requests.json({ path: `/jobs/${segment(id)}`, signal, isAnswer: isJob });
  }

  /** The job as it is then. Rejects with status 409 where it has ended already. */
  async cancelJob(id: string, options: CallOptions = {}): Promise<JobAnswer> {
    const signal = signalOf('cancelJob()', options);
    const path = `/jobs/${segment(id)}`;
    return this.#requests.json({ method: 'DELETE', path, signal, isAnswer: isJob });
  }

  /**
   * The present state of the job, then each change. Ends after `completed`, `failed` or `cancelled`. A connection that
   * is lost is made anew, where it was lost, for as long as `giveUpAfterMs`.
   */
  jobEvents(id: string, options: CallOptions = {}): AsyncIterable<JobEventAnswer> {
    const signal = signalOf('jobEvents()', options);
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

  async transcript(id: string, options: CallOptions = {}): Promise<StoredTranscript> {
    const signal = signalOf('transcript()', options);
    return this.#requests.json({ path: `/transcripts/${segment(id)}`, signal, isAnswer: isTranscript });
  }

  /** As plain text, or as captions. */
  async transcriptText(id: string, format: TranscriptFormat, options: CallOptions = {}): Promise<string> {
    const signal = signalOf('transcriptText()', options);
    if (!['txt', 'srt', 'vtt'].includes(format))
      throw invalidOption('format', "'txt', 'srt' or 'vtt'", format);
    return this.#requests.text({ path: `/transcripts/${segment(id)}.${format}`, signal });
  }

  /** A short-lived token of Deepgram's own. */
  async token(options: CallOptions = {}): Promise<TokenAnswer> {
    const signal = signalOf('token()', options);
    return this.#requests.json({ method: 'POST', path: '/token', signal, isAnswer: isToken });
  }

  /** Also of a server that cannot work: its `status` is then `down`. */
  async health(options: CallOptions = {}): Promise<HealthAnswer> {
    const signal = signalOf('health()', options);
    return this.#requests.json({ path: '/health', signal, isAnswer: isHealth, isAnswerOfFailure: isDown });
  }
}

function segment(id: unknown): string {
  // As a path these would mean another one.
  const isFit = typeof id === 'string' && id !== '' && id !== '.' && id !== '..';
  if (!isFit) throw invalidOption('id', 'an id', id);
  return encodeURIComponent(id);
}
