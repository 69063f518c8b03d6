import type {
  ClientOptions,
  LimitOptions,
  LimitsAdapter,
  QueueAdapter,
  QueueOptions,
} from './contracts/index.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import {
  checkAdapter,
  checkBoolean,
  checkKeys,
  checkNumber,
  checkOrder,
  checkPlainObject,
  invalidOption,
} from './internal/validate.js';

export type LimitSettings = Required<Omit<LimitOptions, 'requestsPerMinute'>> & {
  readonly requestsPerMinute: number | undefined;
};

/** `autoStart` undefined: as it is usual for the adapter. */
export type QueueSettings = Required<Omit<QueueOptions, 'adapter' | 'autoStart' | 'perUserConcurrency'>> & {
  readonly autoStart: boolean | undefined;
  readonly perUserConcurrency: number | undefined;
};

interface ResolvedQueue {
  readonly queue: QueueSettings;
  readonly queueAdapter: QueueAdapter | undefined;
}

interface ResolvedLimits {
  readonly limits: LimitSettings;
  readonly limitsAdapter: LimitsAdapter | undefined;
}

/** Settings for the queue of this process, or an adapter, or both. */
export function resolveQueue(queue: ClientOptions['queue']): ResolvedQueue {
  const defaults: QueueSettings = {
    ...CLIENT_DEFAULTS.queue,
    autoStart: undefined,
    perUserConcurrency: undefined,
  };
  if (queue === undefined) return { queue: defaults, queueAdapter: undefined };
  if (queue !== null && isQueueAdapter(queue)) {
    checkAdapter('queue', queue, QUEUE_METHODS);
    return { queue: defaults, queueAdapter: queue };
  }
  checkPlainObject('queue', queue);
  const { adapter, ...settings } = queue;
  checkKeys('queue', settings, Object.keys(defaults));
  checkNumber('queue.concurrency', settings.concurrency, { min: 1 });
  checkNumber('queue.perUserConcurrency', settings.perUserConcurrency, { min: 1, max: 999 });
  checkNumber('queue.attempts', settings.attempts, { min: 1 });
  checkNumber('queue.backoffMs', settings.backoffMs, { min: 0 });
  checkNumber('queue.maxBackoffMs', settings.maxBackoffMs, { min: 0 });
  checkBoolean('queue.autoStart', settings.autoStart);
  if (![undefined, 'reject', 'keep'].includes(settings.whenDown)) {
    throw invalidOption('queue.whenDown', 'reject or keep', settings.whenDown);
  }
  checkOrder('queue.backoffMs', settings.backoffMs, 'queue.maxBackoffMs', settings.maxBackoffMs);
  checkAdapter('queue.adapter', adapter, QUEUE_METHODS);
  return { queue: merge(defaults, settings), queueAdapter: adapter };
}

const QUEUE_METHODS = ['add', 'cancel', 'startWorker', 'depth', 'close'];

function isQueueAdapter(value: object): value is QueueAdapter {
  return typeof (value as Partial<QueueAdapter>).startWorker === 'function';
}

/** Settings for the limits of this process, or an adapter. */
export function resolveLimits(limits: ClientOptions['limits']): ResolvedLimits {
  const defaults: LimitSettings = { ...CLIENT_DEFAULTS.limits, requestsPerMinute: undefined };
  if (limits === undefined) return { limits: defaults, limitsAdapter: undefined };
  if (typeof (limits as Partial<LimitsAdapter> | null)?.acquire === 'function') {
    return { limits: defaults, limitsAdapter: limits as LimitsAdapter };
  }
  checkPlainObject('limits', limits);
  const settings = limits as LimitOptions;
  checkKeys('limits', settings, Object.keys(defaults));
  checkNumber('limits.maxConcurrent', settings.maxConcurrent, { min: 1 });
  checkNumber('limits.maxConcurrentStreams', settings.maxConcurrentStreams, { min: 1 });
  checkNumber('limits.requestsPerMinute', settings.requestsPerMinute, { min: 1 });
  checkNumber('limits.maxWaiting', settings.maxWaiting, { min: 0 });
  return { limits: merge(defaults, settings), limitsAdapter: undefined };
}
