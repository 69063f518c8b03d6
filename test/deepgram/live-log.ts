import { expect } from 'vitest';
import type { LiveClose, LiveConnectionHandlers } from '../../src/contracts/index.js';

/** What a connection has told. */
export interface LiveLog {
  /** In a word or two each, in order. Drains are counted instead. */
  readonly calls: readonly string[];
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly closes: readonly { readonly close: LiveClose; readonly error: Error | undefined }[];
  drains(): number;
  readonly handlers: LiveConnectionHandlers;
}

export function createLiveLog(): LiveLog {
  const calls: string[] = [];
  const messages: Readonly<Record<string, unknown>>[] = [];
  const closes: { close: LiveClose; error: Error | undefined }[] = [];
  let drains = 0;
  return {
    calls,
    messages,
    closes,
    drains: () => drains,
    handlers: {
      onOpen: ({ requestId }) => calls.push(`open ${requestId}`),
      onMessage: (message) => {
        messages.push(message);
        calls.push(`message ${message.type}`);
      },
      onWarning: ({ code }) => calls.push(`warning ${code}`),
      onPong: () => calls.push('pong'),
      onDrain: () => {
        drains += 1;
      },
      onClose: (close, error) => {
        calls.push(`close ${close.code}`);
        closes.push({ close, error });
      },
    },
  };
}

/** The first connection of a run loads the SDK, which takes a while. */
export const eventually = <Value>(value: () => Value) => expect.poll(value, { timeout: 8000 });

/** The one close of a connection, with its error. */
export async function closeOf(log: LiveLog): Promise<{ close: LiveClose; error: Error | undefined }> {
  await eventually(() => log.closes.length).toBe(1);
  const [told] = log.closes;
  if (told === undefined) throw new Error('No close was told.');
  return told;
}
