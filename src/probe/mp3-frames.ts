import type { ProbedBytes } from './probed-bytes.js';

/** Kilobits in a second, by the index in the header of a frame of layer 3. */
const BITRATES_V1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BITRATES_V2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_V1 = [44_100, 48_000, 32_000];
const VERSION_1 = 3;
const VERSION_2 = 2;
const RESERVED_VERSION = 1;
const LAYER_3 = 1;

/** Of the audio, where a frame is looked at. */
const PLACES = [0.25, 0.5, 0.75, 0.95];
const WINDOW_BYTES = 4096;

interface Frame {
  readonly bitrate: number;
  readonly length: number;
}

/**
 * Whether MP3 that begins with frames of one bitrate has it further on as well. Without a header that counts the frames
 * the length is reckoned by the bitrate, and silence at the begin of variable bitrate would make hours of minutes.
 */
export async function keepsBitrate(bytes: ProbedBytes, start: number, bitrate: number): Promise<boolean> {
  for (const place of PLACES) {
    const position = Math.floor(start + (bytes.sizeBytes - start) * place);
    // One block, and not parts of two.
    const begin = position - (position % bytes.blockBytes);
    const found = findFrame(await bytes.read(begin, WINDOW_BYTES));
    // Where there is none, something else than audio would be counted in.
    if (found?.bitrate !== bitrate) return false;
  }
  return true;
}

/** One that two others follow: any four bytes may look like a frame. */
function findFrame(window: Uint8Array): Frame | undefined {
  for (let offset = 0; offset + 4 <= window.length; offset += 1) {
    const frame = readFrame(window, offset);
    if (frame !== undefined && isFollowed(window, offset + frame.length)) return frame;
  }
  return undefined;
}

function isFollowed(window: Uint8Array, offset: number): boolean {
  const next = readFrame(window, offset);
  return next !== undefined && readFrame(window, offset + next.length) !== undefined;
}

function readFrame(bytes: Uint8Array, offset: number): Frame | undefined {
  const [first, second = 0, third = 0] = bytes.subarray(offset, offset + 3);
  if (first !== 0xff || second < 0xe0) return undefined;
  const version = (second >> 3) & 3;
  if (version === RESERVED_VERSION || ((second >> 1) & 3) !== LAYER_3) return undefined;
  const isVersion1 = version === VERSION_1;
  const kilobits = (isVersion1 ? BITRATES_V1 : BITRATES_V2)[third >> 4] ?? 0;
  const rate = (RATES_V1[(third >> 2) & 3] ?? 0) / (isVersion1 ? 1 : version === VERSION_2 ? 2 : 4);
  if (kilobits === 0 || rate === 0) return undefined;
  const bitrate = kilobits * 1000;
  const bytesOfSamples = isVersion1 ? 144 : 72;
  return { bitrate, length: Math.floor((bytesOfSamples * bitrate) / rate) + ((third >> 1) & 1) };
}
