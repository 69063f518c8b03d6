import { checkCall, STREAM_KEYS } from './call-options.js';
import type { RouteFacts, RouterOptions, SubmitOptions, TranscriptMode } from './contracts/index.js';
import { checkValues, LIVE_KEYS, PRERECORDED_KEYS } from './deepgram/map-options.js';
import { defined } from './internal/defined.js';
import { jsonCopy } from './internal/json-copy.js';
import { checkBoolean, checkNumber, invalidOption } from './internal/validate.js';
import { resolveRetry } from './policy-options.js';
import { ENQUEUE_KEYS } from './queue/index.js';
import { checkRecovery, RECOVERY_KEYS } from './recovery-options.js';
import { TRANSCRIBE_KEYS } from './transcribe-options.js';

const ROUTE_KEYS = ['mode', 'live', 'allowAsync'] as const;
type RouteKey = (typeof ROUTE_KEYS)[number];

/** Splits a submission into what the router needs and what the mode that it picks takes. */
export function settleSubmit(
  options: SubmitOptions,
  defaults: Pick<RouterOptions, 'allowAsync'>,
): {
  readonly route: Pick<RouteFacts, RouteKey | 'durationSeconds' | 'userId'>;
  readonly call: Omit<SubmitOptions, RouteKey>;
} {
  checkCall('submit()', options, [
    ...PRERECORDED_KEYS,
    ...LIVE_KEYS,
    ...TRANSCRIBE_KEYS,
    ...ENQUEUE_KEYS,
    ...STREAM_KEYS,
    ...ROUTE_KEYS,
  ]);
  const { mode, live, allowAsync, ...call } = options;
  const { durationSeconds } = call;
  if (mode !== undefined && !['sync', 'async', 'stream'].includes(mode)) {
    throw invalidOption('mode', "'sync', 'async' or 'stream'", mode);
  }
  checkNumber('durationSeconds', durationSeconds, { min: 0, integer: false });
  checkBoolean('live', live);
  checkBoolean('allowAsync', allowAsync);
  checkEveryMode(call);
  return {
    route: {
      live: live ?? false,
      // Who names a mode has decided, unless the same call says otherwise.
      allowAsync: allowAsync ?? (mode === undefined && defaults.allowAsync === true),
      ...defined({ mode, durationSeconds, userId: options.userId }),
    },
    // The caller's object may change before the mode is picked.
    call: { ...call, ...defined({ metadata: jsonCopy(call.metadata) }) },
  };
}

/** What is out of range is refused whichever mode the router picks. */
function checkEveryMode(call: Omit<SubmitOptions, RouteKey>): void {
  checkValues(call);
  checkNumber('timeoutMs', call.timeoutMs, { min: 1 });
  checkNumber('attemptTimeoutMs', call.attemptTimeoutMs, { min: 1 });
  checkNumber('priority', call.priority, { min: 0 });
  checkNumber('delayMs', call.delayMs, { min: 0, integer: false });
  checkNumber('attempts', call.attempts, { min: 1 });
  checkNumber('connectTimeoutMs', call.connectTimeoutMs, { min: 1 });
  checkNumber('finishTimeoutMs', call.finishTimeoutMs, { min: 1 });
  checkRecovery(call);
  resolveRetry(call.retry);
}

const JOB_ONLY = ['delayMs', 'attempts', 'totalTimeoutMs', 'webhook', 'delivery'] as const;
const STREAM_ONLY = ['connectTimeoutMs', 'finishTimeoutMs', ...RECOVERY_KEYS] as const;

/** Options of ours that a submission may carry for the case that it ends up in another mode. */
const NOT_FOR: Readonly<Record<TranscriptMode, readonly string[]>> = {
  sync: [...JOB_ONLY, ...STREAM_ONLY],
  async: ['retry', 'attemptTimeoutMs', 'deduplicate', ...STREAM_ONLY],
  stream: [
    ...JOB_ONLY,
    'retry',
    'attemptTimeoutMs',
    'timeoutMs',
    'priority',
    'durationSeconds',
    'idempotencyKey',
    'deduplicate',
  ],
};

/** Takes out what only the other modes have a meaning for. */
export function callFor(mode: TranscriptMode, call: object): object {
  const [own, others] = mode === 'stream' ? [LIVE_KEYS, PRERECORDED_KEYS] : [PRERECORDED_KEYS, LIVE_KEYS];
  const isOut = (key: string): boolean =>
    NOT_FOR[mode].includes(key) || (others.includes(key) && !own.includes(key));
  return Object.fromEntries(Object.entries(call).filter(([key]) => !isOut(key)));
}
