import { expect, test } from 'vitest';
import { AudioLog } from '../../src/streaming/audio-log.js';
import { AudioMeter } from '../../src/streaming/audio-meter.js';

const FORMAT = { encoding: 'linear16', sample_rate: 16_000 } as const;

const counting = (length: number, from = 0) =>
  Uint8Array.from({ length }, (_, index) => (from + index) % 251);

/** Everything that is still to be sent, as it is sent. */
function sendAll(log: AudioLog, end?: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let frame = log.peek(end); frame !== undefined && frame.length > 0; frame = log.peek(end)) {
    frames.push(new Uint8Array(frame));
    log.advance(frame.length);
  }
  return frames;
}

const joined = (frames: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(frames));

function logOf(bytes: Uint8Array, chunkBytes: number, channels = 1): AudioLog {
  const log = new AudioLog(new AudioMeter({ ...FORMAT, channels }));
  for (let at = 0; at < bytes.length; at += chunkBytes) log.push(bytes.subarray(at, at + chunkBytes));
  return log;
}

test.each([640, 4096, 6000, 100_000])(
  'audio comes out as it went in, in chunks of %d bytes',
  (chunkBytes) => {
    const audio = counting(200_000);
    const log = logOf(audio, chunkBytes);
    const frames = sendAll(log);
    expect(joined(frames)).toEqual(audio);
    // 250 ms at most.
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThanOrEqual(8000);
    expect([log.sent, log.heldFrom, log.heldBytes]).toEqual([200_000, 0, 200_000]);
  },
);

test('no sample of several channels is split, whatever the chunks', () => {
  const log = logOf(counting(240_000), 12_000, 3);
  for (const { length } of sendAll(log)) expect(length % 6).toBe(0);
});

test('a frame ends where a message waits', () => {
  const log = logOf(counting(20_000), 640);
  expect(joined(sendAll(log, 1000))).toHaveLength(1000);
  expect(log.sent).toBe(1000);
  expect(joined(sendAll(log))).toEqual(counting(19_000, 1000));
});

test('a replay sends the same bytes again, from any position', () => {
  const audio = counting(150_000);
  const log = logOf(audio, 640);
  sendAll(log);
  log.release(50_000);
  for (const position of [50_000, 50_002, 77_776, 149_998]) {
    log.rewind(position);
    expect(joined(sendAll(log))).toEqual(audio.subarray(position));
  }
  log.rewind(0);
  expect(log.sent).toBe(50_000);
});

test('only what was sent is released', () => {
  const log = logOf(counting(100_000), 640);
  sendAll(log, 10_000);
  log.release(60_000);
  expect(log.heldFrom).toBe(10_000);
  expect(joined(sendAll(log))).toEqual(counting(90_000, 10_000));
});

test('memory of released audio is used again, but not where somebody keeps a piece of it', () => {
  const audio = counting(64_000);
  const log = logOf(audio, 640);
  const kept = [...log.read(1000, 3000)];
  const evicted = log.evict();
  sendAll(log);
  log.release(64_000);
  for (let round = 0; round < 20; round += 1) log.push(counting(6400, 7 * round));
  expect(joined(kept)).toEqual(audio.subarray(1000, 4000));
  expect(evicted).toMatchObject({ start: 0, bytes: audio.subarray(0, 8000) });
});

test('what is evicted counts as sent, and is gone', () => {
  const log = logOf(counting(20_000), 640);
  expect(log.evict()?.bytes).toHaveLength(8000);
  expect([log.heldFrom, log.sent]).toEqual([8000, 8000]);
  expect(joined(sendAll(log))).toEqual(counting(12_000, 8000));
  while (log.evict() !== undefined);
  expect(log.heldBytes).toBe(0);
});
