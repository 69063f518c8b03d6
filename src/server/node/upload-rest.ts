import type { IncomingMessage } from 'node:http';

/** What is left of less is read in no time, and the connection goes on. */
const SMALL_BYTES = 65_536;
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
const MAX_DISCARD_MS = 2000;

/** Whether more of the request is on its way than should be read for the sake of its connection alone. */
export function isRestLarge({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  const length = headers['content-length'];
  return length === undefined || Number(length) > SMALL_BYTES;
}

/**
 * Reads what nobody wants, up to a bound. Were a connection closed with bytes that are unread, that would be a reset,
 * and whoever sends them would not get to read the answer. Never rejects.
 */
export function discardRest(incoming: IncomingMessage): Promise<void> {
  if (!incoming.readableEnded) incoming.resume();
  if (incoming.complete || incoming.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const onData = (chunk: Uint8Array): void => {
      bytes += chunk.length;
      if (bytes > MAX_DISCARDED_BYTES) stop();
    };
    const stop = (): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', stop).off('close', stop);
      resolve();
    };
    const timer = setTimeout(stop, MAX_DISCARD_MS);
    incoming.on('data', onData).once('end', stop).once('close', stop);
    incoming.on('error', () => undefined);
  });
}
