import type { EventSink, LimitLease, LimitsAdapter } from './contracts/index.js';
import { TranscriptionError } from './errors/index.js';

/** Limits of the user's own, whose failures are typed, and which cannot cost a call the answer that it has. */
export function guardLimits(limits: LimitsAdapter, emit: EventSink): LimitsAdapter {
  function tell(): void {
    emit({
      type: 'warning',
      code: 'limit-not-released',
      message: 'The limits adapter failed to take a place back: release() threw or rejected.',
    });
  }
  return {
    async acquire(key, request) {
      const lease = await acquireFrom(limits, key, request);
      return {
        waitedMs: lease.waitedMs,
        release() {
          try {
            // It may be an async function, whatever its type says.
            const released: unknown = lease.release();
            if (released instanceof Promise) released.catch(tell);
          } catch {
            tell();
          }
        },
      };
    },
    async load(key) {
      try {
        return (await limits.load?.(key)) ?? UNKNOWN;
      } catch {
        // It only makes a decision better: its failure is none of the call's.
        return UNKNOWN;
      }
    },
  };
}

const UNKNOWN = { isFull: false, waiting: 0 };

async function acquireFrom(
  limits: LimitsAdapter,
  ...request: Parameters<LimitsAdapter['acquire']>
): Promise<LimitLease> {
  try {
    return await limits.acquire(...request);
  } catch (cause) {
    if (TranscriptionError.isInstance(cause)) throw cause;
    throw new TranscriptionError(
      'The limits adapter failed, so nothing was sent. Its error is the cause. Try again.',
      { code: 'internal', retryable: true, cause },
    );
  }
}
