// @ts-check

/**
 * Lets at most `limit` callers in at a time. The others wait in line, first come, first served.
 *
 * @param {number} limit At least 1.
 */
export function createGate(limit) {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`concurrency must be a whole number of at least 1, not ${limit}.`);
  }
  let inside = 0;
  /** @type {Array<() => void>} */
  const line = [];

  return {
    /**
     * Resolves when the caller is in; each such caller must `leave`. Rejects with the signal's reason.
     *
     * @param {AbortSignal} signal
     * @returns {Promise<void>}
     */
    async enter(signal) {
      signal.throwIfAborted();
      if (inside < limit) {
        inside += 1;
        return;
      }
      await new Promise((resolve, reject) => {
        const admit = () => {
          signal.removeEventListener('abort', giveUp);
          resolve(undefined);
        };
        const giveUp = () => {
          line.splice(line.indexOf(admit), 1);
          reject(signal.reason);
        };
        line.push(admit);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },

    leave() {
      const admitNext = line.shift();
      // The one who leaves hands the place over, so that nobody can slip in between.
      if (admitNext === undefined) inside -= 1;
      else admitNext();
    },
  };
}
