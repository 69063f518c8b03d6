import { AbortedError } from '../errors/index.js';

/** Why the run of an entry has to stop, by the reason of its signal. */
export type StopReason =
  /** The worker is closing. */
  | 'closed'
  | 'cancelled'
  /** The queue gave the entry to somebody else: this worker has no say any more. */
  | 'withdrawn';

export function stopReasonOf({ reason }: AbortSignal): StopReason {
  if (!(reason instanceof AbortedError)) return 'withdrawn';
  if (reason.code === 'client_closed') return 'closed';
  return reason.code === 'job_cancelled' ? 'cancelled' : 'withdrawn';
}
