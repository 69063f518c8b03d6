/**
 * Closes on SIGTERM, and ends the process as the signal would have done, unless somebody else listens to it: then that
 * is theirs to do. Another client that is still closing is such a listener.
 *
 * Returns what takes the listener away. To be called when the close is done, not before: see above.
 */
export function closeOnSigterm(close: () => Promise<void>): () => void {
  const forget = (): void => void process.off('SIGTERM', listener);
  const listener = (): void => {
    void close()
      .catch(() => undefined)
      .then(() => {
        forget();
        if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
      });
  };
  process.on('SIGTERM', listener);
  return forget;
}
