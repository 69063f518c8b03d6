// @ts-check
// 20 ms of raw 16 kHz audio. The first 8 bytes carry the moment at which it was to be sent.

export const FRAME_BYTES = 640;
export const FRAME_MS = 20;

/** Milliseconds on the machine's monotonic clock, which its processes share. */
export function sharedNow() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** One for all: memory of its own for each frame keeps the collector busier than the clients that are measured. */
const frame = Buffer.alloc(FRAME_BYTES);

/**
 * The frame is good until the next one is asked for.
 *
 * @param {number} dueAt
 */
export function frameDueAt(dueAt) {
  frame.writeDoubleLE(dueAt, 0);
  return frame;
}
