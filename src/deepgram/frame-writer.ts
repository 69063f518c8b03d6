import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';

/** A payload of more needs a longer header. */
export const MAX_FRAME_BYTES = 65_535;
/** Up to it the length stands in the second byte. */
const MAX_SHORT_BYTES = 125;
/** The payload begins there, so that it is masked four bytes at a time. The mask lies before it, and the rest of the header before that. */
const PAYLOAD_AT = 8;
const MASK_WORD = 1;
/** The only frame of a message, which is binary. */
const BINARY_MESSAGE = 0x82;
const IS_MASKED = 0x80;
const LENGTH_FOLLOWS = 126;
const NOTHING = Buffer.alloc(0);

/** Masks that were not used yet: each frame has one of its own. */
const masks = new Uint32Array(2048);
let masksUsed = masks.length;

/** Where frames are made. One for all connections: what a socket takes at once needs no memory of its own. */
let scratch = NOTHING;
let scratchWords = new Uint32Array(0);
/** The frame in it. The next one is mostly of the same length, and needs no view of its own. */
let lastFrame = NOTHING;

/**
 * Writes a binary message of a WebSocket client to the socket beneath it, as one frame (RFC 6455, section 5.2). It takes
 * at most MAX_FRAME_BYTES, and does not need the payload any more when it returns.
 *
 * The WebSocket library takes new memory for each message. With hundreds of live streams the garbage collector then
 * looks through the whole heap twice a second. It may send too, as long as it compresses nothing: frames stay whole,
 * and in order.
 */
export function writeFrame(socket: Socket, payload: Uint8Array, onLeft?: () => void): void {
  const frame = frameOf(payload);
  // TLS ends its writes a turn of the event loop later, also where nothing has to wait.
  if (isEncrypted(socket) || socket.writableLength > 0) {
    socket.write(Buffer.from(frame), onLeft);
    return;
  }
  socket.write(frame, onLeft);
  // The socket goes on reading it.
  if (socket.writableLength > 0) takeScratch();
}

/** Calls back when all that was written so far has left. */
export function whenLeft(socket: Socket, onLeft: () => void): void {
  socket.write(NOTHING, onLeft);
}

export function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket;
}

function frameOf(payload: Uint8Array): Buffer {
  if (scratch.length === 0) takeScratch();
  const { length } = payload;
  scratch.set(payload, PAYLOAD_AT);
  const mask = nextMask();
  const words = scratchWords;
  const end = (PAYLOAD_AT + length + 3) >> 2;
  for (let word = PAYLOAD_AT >> 2; word < end; word += 1) words[word] = (words[word] as number) ^ mask;
  words[MASK_WORD] = mask;
  const start = writeHead(length);
  if (lastFrame.length !== PAYLOAD_AT + length - start)
    lastFrame = scratch.subarray(start, PAYLOAD_AT + length);
  return lastFrame;
}

/** What lies before the mask. Returns where the frame begins. */
function writeHead(length: number): number {
  if (length <= MAX_SHORT_BYTES) {
    scratch[2] = BINARY_MESSAGE;
    scratch[3] = IS_MASKED | length;
    return 2;
  }
  scratch[0] = BINARY_MESSAGE;
  scratch[1] = IS_MASKED | LENGTH_FOLLOWS;
  scratch[2] = length >> 8;
  scratch[3] = length & 0xff;
  return 0;
}

function nextMask(): number {
  if (masksUsed === masks.length) {
    randomFillSync(masks);
    masksUsed = 0;
  }
  const mask = masks[masksUsed] as number;
  masksUsed += 1;
  return mask;
}

function takeScratch(): void {
  const memory = new ArrayBuffer(PAYLOAD_AT + MAX_FRAME_BYTES + 1);
  scratch = Buffer.from(memory);
  scratchWords = new Uint32Array(memory);
  lastFrame = NOTHING;
}
