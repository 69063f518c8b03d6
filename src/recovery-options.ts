import type { StreamOptions } from './contracts/index.js';
import { CLIENT_DEFAULTS, merge } from './defaults.js';
import { BadRequestError } from './errors/index.js';
import { checkKeys, checkNumber, invalidOption, isPlainObject } from './internal/validate.js';
import type { ResolvedOptions } from './options.js';
import type { LiveRecovery } from './streaming/session-types.js';

type RecoveryOptions = Pick<StreamOptions, 'reconnect' | 'replaySeconds' | 'repair'>;

/** Options of `stream()` for the time after a lost connection. */
export const RECOVERY_KEYS = [
  'reconnect',
  'replaySeconds',
  'repair',
] as const satisfies readonly (keyof RecoveryOptions)[];

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function checkRecovery({ reconnect, replaySeconds, repair }: RecoveryOptions): void {
  checkReconnect(reconnect);
  checkNumber('replaySeconds', replaySeconds, { min: 0, max: 600, integer: false });
  if (repair !== undefined && repair !== false && repair !== 'sync' && repair !== 'queue') {
    throw invalidOption('repair', "'sync', 'queue' or false", repair);
  }
}

/** @throws BadRequestError as `checkRecovery()`, and where a repair has nowhere to keep the audio. */
export function settleRecovery(options: RecoveryOptions, client: ResolvedOptions): LiveRecovery {
  checkRecovery(options);
  const { reconnect = true, replaySeconds, repair } = options;
  const hasStore = client.audioStore !== undefined;
  if (repair !== undefined && repair !== false && !hasStore) {
    throw new BadRequestError(
      'The option repair needs the audioStore of the client, which keeps the audio of an outage. Set it, or leave repair out.',
      { code: 'invalid_option' },
    );
  }
  const { live } = CLIENT_DEFAULTS;
  return {
    reconnect: reconnect !== false && merge(live.reconnect, reconnect === true ? undefined : reconnect),
    replaySeconds: replaySeconds ?? live.replaySeconds,
    repair: repair ?? (hasStore ? 'sync' : false),
  };
}

function checkReconnect(reconnect: unknown): void {
  if (reconnect === undefined || typeof reconnect === 'boolean') return;
  if (!isPlainObject(reconnect)) {
    throw invalidOption('reconnect', 'true, false or an object { giveUpAfterMs, maxDelayMs }', reconnect);
  }
  checkKeys('reconnect', reconnect, ['giveUpAfterMs', 'maxDelayMs']);
  checkNumber('reconnect.giveUpAfterMs', reconnect.giveUpAfterMs, { min: 1 });
  checkNumber('reconnect.maxDelayMs', reconnect.maxDelayMs, { min: 1 });
}
