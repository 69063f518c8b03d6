import { type AudioChunk, toBytes } from './audio-bytes.js';
import { fluxOnly } from './session-errors.js';
import type { SessionParts } from './session-parts.js';

/** Flux has no such message: it ends turns by itself. */
export function finalize({ outbox, finalizations, protocol }: SessionParts): Promise<void> {
  if (outbox.acceptedBytes === 0 || protocol === 'flux') return Promise.resolve();
  return finalizations.add((onSent, isAnswered) => outbox.pushControl('Finalize', onSent, isAnswered));
}

export function configure(
  { configurations, protocol }: SessionParts,
  message: Readonly<Record<string, unknown>>,
): Promise<void> {
  return protocol === 'flux' ? configurations.add(message) : Promise.reject(fluxOnly());
}

/** `isPausable`: its source can wait. */
export function sendAudio(
  { outbox, outage }: SessionParts,
  chunk: AudioChunk,
  isPausable: boolean,
): Promise<void> {
  try {
    const before = outbox.acceptedBytes;
    const sent = outbox.send(toBytes(chunk), isPausable);
    if (outbox.acceptedBytes > before) outage.admit(outbox.acceptedBytes - before);
    return sent;
  } catch (error) {
    return Promise.reject(error);
  }
}
