import type { StreamOptions } from './contracts/index.js';
import { checkKeys, checkNumber, invalidOption, isPlainObject } from './internal/validate.js';

export type RecoveryOptions = Pick<StreamOptions, 'reconnect' | 'replaySeconds' | 'repair'>;

/** Options of `stream()` for the time after a lost connection. */
export const RECOVERY_KEYS = [
  'reconnect',
  'replaySeconds',
  'repair',
] as const satisfies readonly (keyof RecoveryOptions)[];

/**
 * @param hasStore There is a place for the audio of an outage.
 * @throws BadRequestError that names the option, what it may be and what it is.
 */
export function checkRecovery({ reconnect, replaySeconds, repair }: RecoveryOptions, hasStore = true): void {
  checkReconnect(reconnect);
  checkNumber('replaySeconds', replaySeconds, { min: 0, max: 600, integer: false });
  if (repair === undefined || repair === false) return;
  if (hasStore && ['sync', 'queue'].includes(repair)) return;
  throw invalidOption('repair', "false, 'sync' or 'queue' (with an audioStore)", repair);
}

function checkReconnect(reconnect: unknown): void {
  if (reconnect === undefined || typeof reconnect === 'boolean') return;
  if (!isPlainObject(reconnect)) throw invalidOption('reconnect', 'true, false or an object', reconnect);
  checkKeys('reconnect', reconnect, ['giveUpAfterMs', 'maxDelayMs']);
  for (const [name, value] of Object.entries(reconnect)) checkNumber(`reconnect.${name}`, value, { min: 1 });
}
