import { show } from '../../internal/validate.js';
import { requireKeys, requireOneOf, requireText, requireWhole, requireWithin } from '../check-options.js';
import { ERROR_SHAPES, FAULT_STATUSES, type HttpFault, type HttpFaultKind } from './faults.js';
import { MAX_MS } from './options.js';

const SETTINGS: Readonly<Record<HttpFaultKind, readonly string[]>> = {
  delay: ['ms'],
  refuse: [],
  reset: ['when'],
  status: ['status', 'shape', 'retryAfter'],
  noHeaders: [],
  stalledBody: ['afterBytes'],
  trickledBody: ['bytes', 'intervalMs'],
  truncatedJson: ['delimited'],
  html: [],
  null: [],
  empty: [],
  redirect: [],
  otherJson: [],
};

/** Turns a short form into a fault. Throws a TypeError or RangeError that names what is wrong. */
export function resolveFault(name: string, input: unknown): HttpFault {
  const fault =
    typeof input === 'number'
      ? { kind: 'status', status: input }
      : typeof input === 'string'
        ? { kind: input }
        : input;
  if (!isFault(fault)) {
    throw new TypeError(
      `${name}: must be a status or one of ${Object.keys(SETTINGS).join(', ')}, got ${show(input)}`,
    );
  }
  requireKeys(name, fault, ['kind', ...SETTINGS[fault.kind]]);
  checkSettings(name, fault);
  return { ...fault };
}

function isFault(value: unknown): value is HttpFault {
  if (typeof value !== 'object' || value === null) return false;
  const { kind } = value as { kind?: unknown };
  return typeof kind === 'string' && Object.hasOwn(SETTINGS, kind);
}

function checkSettings(name: string, fault: HttpFault): void {
  if (fault.kind === 'status') checkStatus(name, fault);
  if (fault.kind === 'delay') requireWithin(`${name}.ms`, fault.ms, 0, MAX_MS);
  if (fault.kind === 'reset') {
    requireOneOf(`${name}.when`, fault.when ?? 'afterUpload', ['beforeUpload', 'afterUpload']);
  }
  if (fault.kind === 'stalledBody') {
    requireWhole(`${name}.afterBytes`, fault.afterBytes ?? 0, 0, Number.MAX_SAFE_INTEGER);
  }
  if (fault.kind === 'trickledBody') {
    requireWhole(`${name}.bytes`, fault.bytes ?? 1, 1, Number.MAX_SAFE_INTEGER);
    requireWithin(`${name}.intervalMs`, fault.intervalMs ?? 0, 0, MAX_MS);
  }
  if (fault.kind === 'truncatedJson' && typeof (fault.delimited ?? false) !== 'boolean') {
    throw new TypeError(`${name}.delimited: must be true or false, got ${show(fault.delimited)}`);
  }
}

function checkStatus(name: string, fault: Extract<HttpFault, { kind: 'status' }>): void {
  if (!FAULT_STATUSES.includes(fault.status)) {
    throw new RangeError(
      `${name}.status: must be one of ${FAULT_STATUSES.join(', ')}, got ${show(fault.status)}`,
    );
  }
  requireOneOf(`${name}.shape`, fault.shape ?? 'err_code', ERROR_SHAPES);
  checkRetryAfter(`${name}.retryAfter`, fault.retryAfter);
}

/** Seconds, or a text that a header can carry. */
export function checkRetryAfter(name: string, value: number | string | undefined): void {
  if (typeof value === 'number') requireWithin(name, value, 0, Number.MAX_SAFE_INTEGER);
  else if (value !== undefined) {
    requireText(name, value);
    if (!/^[\x20-\x7e]+$/.test(value)) throw new RangeError(`${name}: must be printable ASCII`);
  }
}
