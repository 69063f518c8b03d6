import { show } from '../../internal/validate.js';
import { requireKeys, requireText, requireWhole, requireWithin } from '../check-options.js';
import { checkRetryAfter } from './faults-check.js';
import type { LiveFault, LiveFaultKind, LivePoint } from './live-faults.js';
import { MAX_MS } from './options.js';

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
/** Bytes that a close frame has for the reason. */
const MAX_REASON_BYTES = 123;

/** Turns one fault or several, or short forms, into faults. Throws a TypeError or RangeError that names what is wrong. */
export function resolveLiveFaults(name: string, input: unknown): readonly LiveFault[] {
  if (!Array.isArray(input)) return [resolveLiveFault(name, input)];
  return input.map((each, index) => resolveLiveFault(`${name}[${index}]`, each));
}

function resolveLiveFault(name: string, input: unknown): LiveFault {
  const fault =
    typeof input === 'number'
      ? { kind: 'handshake', status: input }
      : typeof input === 'string'
        ? { kind: input }
        : input;
  if (!isLiveFault(fault)) {
    const kinds = Object.keys(SETTINGS).join(', ');
    throw new TypeError(`${name}: must be a status or a fault of the kind ${kinds}, got ${show(input)}`);
  }
  requireKeys(name, fault, ['kind', ...SETTINGS[fault.kind]]);
  checkSettings(name, fault);
  return { ...fault };
}

function isLiveFault(value: unknown): value is LiveFault {
  if (typeof value !== 'object' || value === null) return false;
  const { kind } = value as { kind?: unknown };
  return typeof kind === 'string' && Object.hasOwn(SETTINGS, kind);
}

function checkSettings(name: string, fault: LiveFault): void {
  if ('at' in fault && fault.at !== undefined) checkPoint(`${name}.at`, fault.at);
  switch (fault.kind) {
    case 'handshake':
      requireWhole(`${name}.status`, fault.status, 400, 599);
      if (fault.message !== undefined) requireText(`${name}.message`, fault.message);
      checkRetryAfter(`${name}.retryAfter`, fault.retryAfter);
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
    case 'unknownMessage':
      checkMessage(`${name}.message`, fault.message);
      break;
    case 'lateFinals':
      if (fault.ms !== undefined) requireWithin(`${name}.ms`, fault.ms, 0, MAX_MS);
      break;
  }
}

function checkMessage(name: string, message: object | undefined): void {
  if (message === undefined) return;
  if (typeof message !== 'object' || message === null) {
    throw new TypeError(`${name}: must be an object, got ${show(message)}`);
  }
  try {
    JSON.stringify(message);
  } catch (cause) {
    throw new TypeError(`${name}: must be what JSON can hold`, { cause });
  }
}

function checkPoint(name: string, point: LivePoint): void {
  if (point === 'open' || point === 'midWord') return;
  requireKeys(name, point, ['audioBytes']);
  requireWhole(`${name}.audioBytes`, point.audioBytes, 1, Number.MAX_SAFE_INTEGER);
}

/** 1005 stands for a close frame without a code. 1004 and 1006 are never sent: the fault `drop` gives 1006. */
function checkClose(name: string, code: number, reason: string | undefined): void {
  requireWhole(`${name}.code`, code, 1000, 4999);
  const isSendable = code <= 1014 ? code !== 1004 && code !== 1006 : code >= 3000;
  if (!isSendable) throw new RangeError(`${name}.code: no close frame may carry ${code}`);
  if (reason !== undefined && typeof reason !== 'string') {
    throw new TypeError(`${name}.reason: must be a string, got ${show(reason)}`);
  }
  if (reason !== undefined && Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    throw new RangeError(`${name}.reason: must have at most ${MAX_REASON_BYTES} bytes`);
  }
}
