import type {
  AudioSource,
  CallbackRequest,
  CallbackResult,
  Job,
  RouteDecision,
  StoredTranscript,
  SubmitOptions,
  Transcript,
} from '../../contracts/index.js';
import type { HealthAnswer, TokenAnswer } from './answers.js';
import type { Principal, Scope } from './identity.js';
import type { HttpSettings } from './options.js';

export type { Principal, Scope } from './identity.js';

/** What became of a submission. */
export type HttpOutcome =
  | { readonly mode: 'sync'; readonly transcript: Transcript; readonly decision: RouteDecision }
  | { readonly mode: 'async'; readonly job: Job; readonly decision: RouteDecision }
  | {
      readonly mode: 'stream';
      readonly live: { abort(reason?: unknown): unknown };
      readonly decision: RouteDecision;
    };

/** What the handlers use of a client. A `TranscriptionClient` fits. */
export interface HttpClient {
  submit(source: AudioSource, options: SubmitOptions): Promise<HttpOutcome>;
  readonly jobs: {
    get(id: string): Promise<Job | undefined>;
    cancel(id: string): Promise<boolean>;
  };
  readonly transcripts: { get(id: string): Promise<StoredTranscript | undefined> };
  handleCallback(request: CallbackRequest): Promise<CallbackResult>;
  health(): Promise<HealthAnswer>;
  grantToken(options: { readonly ttlSeconds?: number; readonly signal?: AbortSignal }): Promise<TokenAnswer>;
}

/** One request, on its way to a route. */
export interface RouteCall {
  readonly client: HttpClient;
  readonly settings: HttpSettings;
  readonly request: Request;
  readonly url: URL;
  /** The parts of the path that the pattern names, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Goes into the answer and into every problem. */
  readonly requestId: string;
}

/** The same, of a route that only goes on with a principal. */
export interface OwnCall extends RouteCall {
  readonly principal: Principal;
}

export type HttpMethod = 'GET' | 'POST' | 'DELETE';

interface RouteShape {
  readonly method: HttpMethod;
  /** Below the base path; `:name` stands for one segment. */
  readonly path: string;
}

/** A route either needs a scope, and has a principal, or is open to everybody. */
export type Route =
  | (RouteShape & { readonly scope: Scope; handle(call: OwnCall): Promise<Response> })
  | (RouteShape & { readonly scope?: undefined; handle(call: RouteCall): Promise<Response> });
