import type { FaultControls } from './fault-rules.js';
import type { LiveFaultInput } from './live-faults.js';

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
  /** The answer's headers and the first bytes of its body (default half of it, at most all but one), then silence. */
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

/** The faults of an emulator: those of HTTP requests, and in `live` those of live streams. */
export interface EmulatorFaults extends FaultControls<HttpFaultInput> {
  readonly live: FaultControls<LiveFaultInput | readonly LiveFaultInput[]>;
  /** Removes all faults, also those of live streams. Who has met theirs keeps it. */
  clear(): void;
}
