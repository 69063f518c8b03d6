import { show } from '../../internal/validate.js';
import { requireFunction, requireKeys, requireText, requireWhole, requireWithin } from '../check-options.js';
import type { FaultCandidate, FaultHandle } from './faults.js';
import type {
  EmulatorLiveFaults,
  LiveFault,
  LiveFaultKind,
  LiveFaultRule,
  LivePoint,
} from './live-faults.js';

export interface LiveFaultBook extends EmulatorLiveFaults {
  /** The faults that a stream meets. Called once for each stream, in their order of arrival. */
  choose(request: Omit<FaultCandidate, 'count'>): readonly LiveFault[];
}

interface Entry {
  readonly faults: readonly LiveFault[];
  readonly when: (request: FaultCandidate) => boolean;
  readonly times: number;
  hits: number;
}

const SETTINGS: Readonly<Record<LiveFaultKind, readonly string[]>> = {
  handshake: ['status', 'message', 'retryAfter'],
  slowOpen: ['ms'],
  drop: ['at'],
  close: ['code', 'reason', 'at'],
  halfOpen: ['at'],
  stopReading: ['at'],
  invalidJson: ['text', 'at'],
  unknownMessage: ['message', 'at'],
  lateFinals: ['ms'],
  plainFinalize: [],
};
const MAX_MS = 2_147_483_647;
/** Bytes that a close frame has for the reason. */
const MAX_REASON_BYTES = 123;

export function createLiveFaultBook(): LiveFaultBook {
  const entries = new Set<Entry>();
  const counts = new Map<string, number>();

  function rule(options: LiveFaultRule): FaultHandle {
    requireKeys('the live fault rule', options, ['fault', 'when', 'times']);
    const { fault, when = () => true, times = Number.POSITIVE_INFINITY } = options;
    const faults = [fault].flat();
    for (const [index, each] of faults.entries())
      checkFault(faults.length > 1 ? `fault[${index}]` : 'fault', each);
    requireFunction('when', when);
    if (times !== Number.POSITIVE_INFINITY) requireWhole('times', times, 1, Number.MAX_SAFE_INTEGER);
    const entry: Entry = { faults, when, times, hits: 0 };
    entries.add(entry);
    return {
      get hits() {
        return entry.hits;
      },
      remove: () => void entries.delete(entry),
    };
  }

  return {
    rule,
    next: (fault, times = 1) => rule({ fault, times }),
    clear: () => entries.clear(),
    choose(request) {
      const key = `${request.method} ${request.path}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      for (const entry of entries) {
        if (entry.hits >= entry.times || !entry.when({ ...request, count })) continue;
        entry.hits += 1;
        return entry.faults;
      }
      return [];
    },
  };
}

function checkFault(name: string, fault: LiveFault): void {
  const kind: unknown = typeof fault === 'object' && fault !== null ? fault.kind : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(SETTINGS, kind)) {
    const kinds = Object.keys(SETTINGS).join(', ');
    throw new TypeError(`${name}: must be a fault of the kind ${kinds}, got ${show(fault)}`);
  }
  requireKeys(name, fault, ['kind', ...SETTINGS[fault.kind]]);
  if ('at' in fault && fault.at !== undefined) checkPoint(`${name}.at`, fault.at);
  switch (fault.kind) {
    case 'handshake':
      requireWhole(`${name}.status`, fault.status, 400, 599);
      break;
    case 'slowOpen':
      requireWithin(`${name}.ms`, fault.ms, 0, MAX_MS);
      break;
    case 'close':
      checkClose(name, fault.code, fault.reason);
      break;
    case 'invalidJson':
      if (fault.text !== undefined) requireText(`${name}.text`, fault.text);
      break;
    case 'lateFinals':
      if (fault.ms !== undefined) requireWithin(`${name}.ms`, fault.ms, 0, MAX_MS);
      break;
  }
}

function checkPoint(name: string, point: LivePoint): void {
  if (point === 'open' || point === 'midWord') return;
  requireKeys(name, point, ['audioBytes']);
  requireWhole(`${name}.audioBytes`, point.audioBytes, 1, Number.MAX_SAFE_INTEGER);
}

/** 1005 stands for a close frame without a code. 1004 and 1006 are never sent. */
function checkClose(name: string, code: number, reason: string | undefined): void {
  requireWhole(`${name}.code`, code, 1000, 4999);
  const isSendable = code <= 1014 ? code !== 1004 && code !== 1006 : code >= 3000;
  if (!isSendable) throw new RangeError(`${name}.code: no close frame may carry ${code}`);
  if (reason !== undefined && Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    throw new RangeError(`${name}.reason: must have at most ${MAX_REASON_BYTES} bytes`);
  }
}
