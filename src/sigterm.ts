/**
 * Closes on SIGTERM, and ends the process as the signal would have done, unless somebody else listens to it: then that
 * is theirs to do.
 *
 * Returns what takes the listener away.
 */
export function closeOnSigterm(close: () => Promise<void>): () => void {
  const listener = (): void => {
    void close()
      .catch(() => undefined)
      .then(() => {
        if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
      });
  };
  process.once('SIGTERM', listener);
  return () => process.off('SIGTERM', listener);
}
