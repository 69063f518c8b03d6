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
  const shared = sharedListenerOf(signal);
  const entry = (): void => listener();
  shared.entries.add(entry);
  return () => {
    shared.entries.delete(entry);
    if (shared.entries.size === 0) shared.remove();
  };
}

interface SharedListener {
  readonly entries: Set<() => void>;
  remove(): void;
}

/**
 * What waits for a signal, behind one listener of it: an application shares one signal between all its calls,
 * and Node takes more than ten listeners for a leak. It goes with the last one that waits.
 */
const sharedListeners = new WeakMap<AbortSignal, SharedListener>();

function sharedListenerOf(signal: AbortSignal): SharedListener {
  const known = sharedListeners.get(signal);
  if (known !== undefined) return known;
  const entries = new Set<() => void>();
  const fire = (): void => {
    for (const entry of [...entries]) entry();
  };
  const shared = {
    entries,
    remove(): void {
      signal.removeEventListener('abort', fire);
      sharedListeners.delete(signal);
    },
  };
  sharedListeners.set(signal, shared);
  signal.addEventListener('abort', fire, { once: true });
  return shared;
}

/** Like raceAbort(); what comes too late is let go of. */
export function claimUnlessAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal,
  letGo: (late: Value) => unknown,
): Promise<Value> {
  return raceAbort(promise, signal).catch((error) => {
    promise.then(letGo).catch(() => undefined);
    throw error;
  });
}

/** Settles with the promise, or rejects as soon as the signal aborts. The promise goes on by itself. */
export function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise<Value>((resolve, reject) => {
    const stop = onAbort(signal, () => reject(abortError(signal)));
    promise.then(resolve, reject).finally(stop);
  });
}
