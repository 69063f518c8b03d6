import { AbortedError, TranscriptionError } from '../errors/index.js';

/** The error for an aborted signal. A reason of our own type, such as a deadline's, is passed on as it is. */
export function abortError(signal: AbortSignal): Error {
  const { reason } = signal;
  if (TranscriptionError.isInstance(reason)) return reason;
  return new AbortedError('The call was aborted by its AbortSignal.', { code: 'aborted', cause: reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Calls `listener` when the signal aborts, at once where it has. Returns the way to stop listening. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** Settles with the promise, or rejects as soon as the signal aborts. The promise goes on by itself. */
export function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise<Value>((resolve, reject) => {
    const stop = onAbort(signal, () => reject(abortError(signal)));
    promise.then(resolve, reject).finally(stop);
  });
}
