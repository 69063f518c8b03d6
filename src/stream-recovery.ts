// Beside recovery-options.ts, so that a client which has not been called yet does not load it.
import type { AudioStore } from './contracts/index.js';
import { merge } from './defaults.js';
import type { RecoveryOptions } from './recovery-options.js';
import type { LiveRecovery } from './streaming/session-types.js';

const DEFAULTS = { reconnect: { giveUpAfterMs: 900_000, maxDelayMs: 5000 }, replaySeconds: 30 } as const;

/** The options of a session for the time after a lost connection, with every default filled in. */
export function settleRecovery(
  { reconnect = true, replaySeconds = DEFAULTS.replaySeconds, repair }: RecoveryOptions,
  store: AudioStore | undefined,
): LiveRecovery {
  return {
    reconnect: reconnect !== false && merge(DEFAULTS.reconnect, reconnect === true ? undefined : reconnect),
    replaySeconds,
    repair: repair ?? (store !== undefined && 'sync'),
  };
}
