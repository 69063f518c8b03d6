import type { BridgeRequest } from '../../contracts/index.js';
import { POSITION_BYTES } from '../../internal/bridge-protocol.js';
import { isPlainObject, show } from '../../internal/validate.js';

export interface AudioFrame {
  /** Of its first byte, in the audio of the session. */
  readonly position: number;
  readonly audio: Uint8Array;
}

/** A message that the protocol does not know. The text is shown to the browser. */
export class BadMessage extends Error {}

/** @throws BadMessage */
export function parseRequest(text: string): BridgeRequest {
  const message = parseJson(text);
  if (!isPlainObject(message)) throw new BadMessage('A text message must be a JSON object.');
  switch (message.type) {
    case 'start':
      return parseStart(message);
    case 'finalize':
    case 'finish':
      return { type: message.type };
    case 'ping':
      if (!Number.isFinite(message.id)) throw new BadMessage('ping.id must be a number.');
      return { type: 'ping', id: message.id as number };
    default:
      throw new BadMessage(`Unknown type of message: ${show(message.type)}.`);
  }
}

/** @throws BadMessage */
export function parseAudio(frame: Buffer): AudioFrame {
  if (frame.length < POSITION_BYTES) {
    throw new BadMessage(`A binary message begins with ${POSITION_BYTES} bytes of position.`);
  }
  const position = frame.readBigUInt64BE(0);
  if (position > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadMessage('The position of audio is too large.');
  return { position: Number(position), audio: frame.subarray(POSITION_BYTES) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadMessage('A text message must be JSON.');
  }
}

function parseStart({ options, session, received }: Record<string, unknown>): BridgeRequest {
  if (options !== undefined && !isPlainObject(options)) {
    throw new BadMessage('start.options must be an object.');
  }
  if (session !== undefined && typeof session !== 'string') {
    throw new BadMessage('start.session must be a string.');
  }
  if (received !== undefined && !(Number.isSafeInteger(received) && (received as number) >= 0)) {
    throw new BadMessage('start.received must be a whole number of 0 or more.');
  }
  return {
    type: 'start',
    ...(options !== undefined && { options }),
    ...(session !== undefined && { session }),
    ...(received !== undefined && { received: received as number }),
  };
}
