import { BadRequestError } from '../errors/index.js';
import { checkKeys, checkNumber, invalidOption, isPlainObject } from './validate.js';

/** The options of a method: a plain object, and no key that nobody knows. */
export function checkOptions(
  where: string,
  options: unknown,
  known: Iterable<string>,
  /** What to do where a key is none that we know. */
  advice?: string,
): asserts options is Readonly<Record<string, unknown>> {
  if (!isPlainObject(options)) {
    throw new BadRequestError(`${where} takes its options as a plain object.`, { code: 'invalid_option' });
  }
  checkKeys(where, options, known, advice);
}

/** The caller may use the object again, for another user, while code is loading. What is none is refused later. */
export function copyOf<Options extends object>(options: Options): Options {
  const isPlain = typeof options === 'object' && options !== null;
  return isPlain && Object.getPrototypeOf(options) === Object.prototype ? { ...options } : options;
}

export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidOption('signal', 'an AbortSignal', signal);
}

/** Of options that were not checked yet. */
export function signalOf(options: { readonly signal?: unknown } | null | undefined): AbortSignal | undefined {
  const signal = options?.signal;
  return signal instanceof AbortSignal ? signal : undefined;
}

const DEFAULT_CLOSE_MS = 10_000;

/** The milliseconds that a `close()` gives to what is running, from options that are checked here. */
export function closeTimeoutMs(options: { readonly timeoutMs?: number } = {}): number {
  checkOptions('close()', options, ['timeoutMs']);
  checkNumber('timeoutMs', options.timeoutMs, { min: 0 });
  return options.timeoutMs ?? DEFAULT_CLOSE_MS;
}
