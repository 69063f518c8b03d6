import { checkOptions, checkSignal } from '../../internal/check-arguments.js';
import type { CallOptions } from './types.js';

/** @throws BadRequestError for options that hold something else. */
export function signalOf(
  where: string,
  options: CallOptions,
  more: readonly string[] = [],
): CallOptions['signal'] {
  checkOptions(where, options, ['signal', ...more]);
  checkSignal(options.signal);
  return options.signal as CallOptions['signal'];
}
