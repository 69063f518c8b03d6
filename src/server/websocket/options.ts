import type { IncomingMessage } from 'node:http';
import type { Clock, StreamOptions, Transcript } from '../../contracts/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { quietly } from '../../internal/quietly.js';
import { systemClock } from '../../internal/system-clock.js';
import {
  checkBoolean,
  checkFunction,
  checkKeys,
  checkMethods,
  checkNumber,
  checkPlainObject,
  invalidOption,
  show,
} from '../../internal/validate.js';
import { MAX_LOG_BYTES } from './event-log.js';
import type { BridgeActivity, BridgePrincipal } from './types.js';

export interface WebSocketBridgeOptions {
  /**
   * Says who asks, from the request of the upgrade: a cookie, a token in its query. Null refuses it with 401. What it
   * throws refuses it with 500, without details.
   */
  readonly authorize: (request: IncomingMessage) => BridgePrincipal | null | Promise<BridgePrincipal | null>;
  /** Origins of pages that may connect, such as `https://app.example.com`. Default: the host that was asked. */
  readonly allowedOrigins?: readonly string[];
  /** Refuses requests without an origin too, which no browser sends. Default false. */
  readonly requireOrigin?: boolean;
  /** Default `/stream`. */
  readonly path?: string;
  /** Options of `stream()` for every session. Those that a browser may set are defaults. */
  readonly streamOptions?: Omit<StreamOptions, 'userId' | 'signal'>;
  /** Names of Deepgram's options that a browser may set. Default: `DEFAULT_ALLOWED_OPTIONS`, none of which is an add-on. */
  readonly allowedOptions?: readonly string[];
  /** Bytes of audio in one message. A larger one ends the connection with 1009. Default 65536. */
  readonly maxFrameBytes?: number;
  /** A browser that sends no message for so long loses its session. Default 60000. */
  readonly idleTimeoutMs?: number;
  /** Longest session. Default 4 hours. */
  readonly maxSessionMs?: number;
  /** Connections in all, and sessions. More are refused with 503. Default 1000. */
  readonly maxConnections?: number;
  /** Connections of one user, and sessions. More are refused with 429. Default 5. */
  readonly maxSessionsPerPrincipal?: number;
  /** Time for the first message, and for `authorize`. Default 10000. */
  readonly startTimeoutMs?: number;
  /** How long a session waits for its browser to come back. Default 30000. */
  readonly resumeMs?: number;
  /** Milliseconds between two pings. A browser that answers two of them not is gone. Default 15000. */
  readonly heartbeatMs?: number;
  /**
   * Bytes of events that may wait for a browser that reads slowly, up to 4 MiB. Interims that a newer one has replaced
   * are dropped before; with more than this, the connection is closed, and may be taken up again. Default 1 MiB.
   */
  readonly maxBufferedBytes?: number;
  /** False leaves the transcript out of the `end` event. Default true. */
  readonly sendTranscript?: boolean;
  /** A session is over. `transcript` is undefined where it failed. What it throws is told to `onEvent`. */
  readonly onSessionEnd?: (
    principal: BridgePrincipal,
    transcript: Transcript | undefined,
  ) => void | Promise<void>;
  /** For metrics and logs. */
  readonly onEvent?: (event: BridgeActivity) => void;
  readonly clock?: Clock;
}

export interface BridgeSettings
  extends Required<Omit<WebSocketBridgeOptions, 'allowedOrigins' | 'allowedOptions' | 'onSessionEnd'>> {
  readonly allowedOrigins: ReadonlySet<string> | undefined;
  readonly allowedOptions: ReadonlySet<string>;
  readonly onSessionEnd: WebSocketBridgeOptions['onSessionEnd'];
}

/** What a browser may set unless it is said otherwise. */
export const DEFAULT_ALLOWED_OPTIONS: readonly string[] = [
  'channels',
  'encoding',
  'endpointing',
  'interim_results',
  'language',
  'numerals',
  'punctuate',
  'sample_rate',
  'smart_format',
  'utterance_end_ms',
  'vad_events',
];

/** They decide whose the transcript is, what leaves the machine, and what goes to whom. */
const NEVER_ALLOWED: ReadonlySet<string> = new Set([
  'callback',
  'connectTimeoutMs',
  'extra',
  'finishTimeoutMs',
  'metadata',
  'query',
  'reconnect',
  'region',
  'repair',
  'replaySeconds',
  'signal',
  'store',
  'tag',
  'userId',
]);

const DEFAULTS = {
  requireOrigin: false,
  path: '/stream',
  streamOptions: {},
  maxFrameBytes: 65_536,
  idleTimeoutMs: 60_000,
  maxSessionMs: 4 * 3_600_000,
  maxConnections: 1000,
  maxSessionsPerPrincipal: 5,
  startTimeoutMs: 10_000,
  resumeMs: 30_000,
  heartbeatMs: 15_000,
  maxBufferedBytes: 1_048_576,
  sendTranscript: true,
  clock: systemClock,
};

const NUMBERS = {
  maxFrameBytes: { min: 1024, max: 16_777_216 },
  idleTimeoutMs: { min: 1 },
  maxSessionMs: { min: 1 },
  maxConnections: { min: 1 },
  maxSessionsPerPrincipal: { min: 1 },
  startTimeoutMs: { min: 1 },
  resumeMs: { min: 0 },
  heartbeatMs: { min: 1 },
  maxBufferedBytes: { min: 1024, max: MAX_LOG_BYTES },
} as const;

const KEYS = [
  ...Object.keys(DEFAULTS),
  'authorize',
  'allowedOrigins',
  'allowedOptions',
  'onSessionEnd',
  'onEvent',
];

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function resolveBridgeOptions(options: WebSocketBridgeOptions): BridgeSettings {
  checkOptions('createWebSocketBridge()', options, KEYS);
  const given = options as WebSocketBridgeOptions;
  if (given.authorize === undefined) throw invalidOption('authorize', 'a function', undefined);
  for (const name of ['authorize', 'onSessionEnd', 'onEvent'] as const) checkFunction(name, given[name]);
  for (const [name, bounds] of Object.entries(NUMBERS)) {
    checkNumber(name, given[name as keyof typeof NUMBERS], bounds);
  }
  checkBoolean('requireOrigin', given.requireOrigin);
  checkBoolean('sendTranscript', given.sendTranscript);
  checkMethods('clock', given.clock, ['monotonicMs', 'wallMs', 'setTimer']);
  checkPath(given.path);
  checkStreamOptions(given.streamOptions);
  const settled = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...DEFAULTS,
    ...(settled as unknown as WebSocketBridgeOptions),
    streamOptions: { ...given.streamOptions },
    onEvent: quietly(given.onEvent ?? (() => undefined)),
    onSessionEnd: given.onSessionEnd,
    allowedOrigins: given.allowedOrigins && checkedOrigins(given.allowedOrigins),
    allowedOptions: checkedNames(given.allowedOptions ?? DEFAULT_ALLOWED_OPTIONS),
  };
}

function checkPath(path: unknown): void {
  if (path === undefined || (typeof path === 'string' && /^\/[^?#\s]*$/.test(path))) return;
  throw invalidOption('path', 'a path that begins with a slash, without a query', path);
}

function checkStreamOptions(options: object | undefined): void {
  checkPlainObject('streamOptions', options);
  if (options === undefined) return;
  const allowed = Object.keys(options).filter((name) => name !== 'userId' && name !== 'signal');
  checkKeys('streamOptions', options, allowed, ': it is set by the bridge');
}

function checkedOrigins(origins: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(origins)) throw invalidOption('allowedOrigins', 'a list of origins', origins);
  for (const origin of origins) {
    if (!isOrigin(origin)) {
      throw invalidOption(
        'allowedOrigins',
        'a list of origins such as https://app.example.com, without a path',
        origin,
      );
    }
  }
  return new Set(origins);
}

function isOrigin(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  // Apps have schemes of their own, whose `URL.origin` is null.
  return host !== '' && `${protocol}//${host}` === text;
}

function checkedNames(names: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(names)) throw invalidOption('allowedOptions', 'a list of names', names);
  for (const name of names) {
    if (typeof name !== 'string' || NEVER_ALLOWED.has(name)) {
      throw invalidOption(
        'allowedOptions',
        `without ${show(name)}, which a browser must not set: use streamOptions`,
        name,
      );
    }
  }
  return new Set(names);
}
