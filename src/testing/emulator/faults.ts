/** The error statuses of Deepgram that a fault can answer with. */
export const FAULT_STATUSES = [401, 402, 403, 408, 413, 422, 429, 500, 502, 503, 504] as const;
export type FaultStatus = (typeof FAULT_STATUSES)[number];

/**
 * Deepgram's three shapes of an error: `{ err_code, err_msg, request_id }`, `{ category, message, details,
 * request_id }` and plain text.
 */
export const ERROR_SHAPES = ['err_code', 'category', 'text'] as const;
export type ErrorShape = (typeof ERROR_SHAPES)[number];

/** What happens to an HTTP request instead of its answer, or to its answer on the way. */
export type HttpFault =
  /** The usual answer, so many milliseconds late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is closed before any of the upload is read. */
  | { readonly kind: 'refuse' }
  /** The connection is reset (RST). Default `afterUpload`: the audio is then processed for nobody. */
  | { readonly kind: 'reset'; readonly when?: 'beforeUpload' | 'afterUpload' }
  | {
      readonly kind: 'status';
      readonly status: FaultStatus;
      /** Default `err_code`. */
      readonly shape?: ErrorShape;
      /** The header `Retry-After`: seconds, or any text. Default: no such header. */
      readonly retryAfter?: number | string;
    }
  /** The request is processed and never answered. */
  | { readonly kind: 'noHeaders' }
  /** The answer's headers and the first bytes of its body (default half of it), then silence. */
  | { readonly kind: 'stalledBody'; readonly afterBytes?: number }
  /** The answer's body comes a few bytes (default 16) in each interval (default 1000 milliseconds). */
  | { readonly kind: 'trickledBody'; readonly bytes?: number; readonly intervalMs?: number }
  /**
   * Half of the answer's body. Default: the connection then ends although `content-length` promised more.
   * `delimited`: the length is right and the JSON is cut.
   */
  | { readonly kind: 'truncatedJson'; readonly delimited?: boolean }
  /** 200 with a page of HTML. */
  | { readonly kind: 'html' }
  /** 200 with the JSON `null`. */
  | { readonly kind: 'null' }
  /** 200 with an empty body. */
  | { readonly kind: 'empty' }
  /** 302 to a page of HTML on the emulator. */
  | { readonly kind: 'redirect' }
  /** 200 with JSON that is no transcript. */
  | { readonly kind: 'otherJson' };

export type HttpFaultKind = HttpFault['kind'];

/** A fault, or short for one: a status, or the kind of one that needs no settings. */
export type HttpFaultInput = HttpFault | FaultStatus | Exclude<HttpFaultKind, 'delay' | 'status'>;

/** What a rule can tell requests apart by. */
export interface FaultCandidate {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Requests with this method and path so far, this one included. */
  readonly count: number;
}

export interface FaultRule {
  readonly fault: HttpFaultInput;
  /** Default: requests to the API, that is to paths that begin with `/v1/`. */
  readonly when?: (request: FaultCandidate) => boolean;
  /** How many requests it hits. Default: all. */
  readonly times?: number;
}

export interface RandomFaults {
  /** The same seed hits the same requests with the same faults, in their order of arrival. Default: a new one. */
  readonly seed?: number;
  /** The share of the requests that is hit, from 0 to 1. */
  readonly rate: number;
  /** What they are hit with, each equally often. */
  readonly kinds: readonly HttpFaultInput[];
  /** Which requests count. Default: requests to the API, that is to paths that begin with `/v1/`. */
  readonly when?: (request: FaultCandidate) => boolean;
}

export interface FaultHandle {
  /** Requests hit so far. */
  readonly hits: number;
  /** Hits no more requests from now on. */
  remove(): void;
}

export interface RandomFaultHandle extends FaultHandle {
  /** Print it, and hand it in as `seed` to get the same faults again. */
  readonly seed: number;
}

/**
 * Faults of HTTP requests. A request meets the first fault that fits it, in the order in which the faults were
 * set. All methods throw a TypeError or RangeError that names what is wrong.
 */
export interface EmulatorFaults {
  /** Hits the next requests to the API. Default: one. */
  next(fault: HttpFaultInput, times?: number): FaultHandle;
  rule(rule: FaultRule): FaultHandle;
  random(plan: RandomFaults): RandomFaultHandle;
  /** Removes all faults. Requests that have met theirs keep it. */
  clear(): void;
}
