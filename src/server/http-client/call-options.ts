import { checkOptions, checkSignal } from '../../internal/check-arguments.js';
import type { CallOptions } from './types.js';

/** A controller has a signal too, and fits the type. @throws BadRequestError for options that hold something else. */
export function signalOf(
  where: string,
  options: CallOptions,
  more: readonly string[] = [],
): CallOptions['signal'] {
  if (options instanceof AbortController) return options.signal;
  checkOptions(where, options, ['signal', ...more]);
  checkSignal(options.signal);
  return options.signal as CallOptions['signal'];
}
