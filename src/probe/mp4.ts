import { spells, viewOf } from '../audio/containers/byte-text.js';
import type { ProbedBytes } from './probed-bytes.js';

interface Box {
  readonly name: string;
  /** Where its content begins and ends. */
  readonly start: number;
  readonly end: number;
}

interface Track {
  readonly isAudio: boolean;
  readonly seconds: number;
}

/** Real files have some dozens. */
const MAX_BOXES = 512;

/**
 * The length by the header of the audio track, wherever in the file it is: tables of samples, which are long where the
 * audio is, are passed over.
 */
export async function readMp4Seconds(bytes: ProbedBytes): Promise<number | undefined> {
  const reader = new BoxReader(bytes);
  const movie = await reader.find(0, bytes.sizeBytes, 'moov');
  if (movie === undefined) return undefined;
  const boxes = await reader.list(movie.start, movie.end);
  // The headers of the tracks then count the first fragment alone.
  if (boxes.some(({ name }) => name === 'mvex')) return fragmentedSeconds(reader, boxes);
  const tracks: Track[] = [];
  for (const box of boxes) if (box.name === 'trak') tracks.push(await readTrack(reader, box));
  const audio = tracks.filter(({ isAudio }) => isAudio).map(({ seconds }) => seconds);
  const seconds = Math.max(0, ...audio);
  return seconds > 0 ? seconds : undefined;
}

async function readTrack(reader: BoxReader, track: Box): Promise<Track> {
  const media = await reader.find(track.start, track.end, 'mdia');
  const boxes = media === undefined ? [] : await reader.list(media.start, media.end);
  const named = (name: string): Box | undefined => boxes.find((box) => box.name === name);
  const handler = await reader.content(named('hdlr'), 12);
  return { isAudio: spells(handler, 'soun', 8), seconds: secondsOf(await reader.content(named('mdhd'), 36)) };
}

/** Where the samples are in fragments, the length is in the movie's own headers, if anywhere. */
async function fragmentedSeconds(reader: BoxReader, boxes: readonly Box[]): Promise<number | undefined> {
  const extension = boxes.find(({ name }) => name === 'mvex');
  const header = await reader.content(
    boxes.find(({ name }) => name === 'mvhd'),
    36,
  );
  const length = extension && (await reader.find(extension.start, extension.end, 'mehd'));
  const fragments = await reader.content(length, 12);
  if (header.length < 36 || fragments.length < 8) return undefined;
  const isLong = fragments[0] === 1;
  if (isLong && fragments.length < 12) return undefined;
  const units = isLong ? Number(viewOf(fragments).getBigUint64(4)) : viewOf(fragments).getUint32(4);
  return units / scaleOf(header);
}

/** Of a header with a scale and a length, `mdhd` or `mvhd`: they begin alike. */
function secondsOf(header: Uint8Array): number {
  if (header.length < 24) return 0;
  const view = viewOf(header);
  if (header[0] !== 1) {
    const units = view.getUint32(16);
    return units === 0xffff_ffff ? 0 : units / scaleOf(header);
  }
  return header.length < 32 ? 0 : Number(view.getBigUint64(24)) / scaleOf(header);
}

function scaleOf(header: Uint8Array): number {
  return viewOf(header).getUint32(header[0] === 1 ? 20 : 12);
}

class BoxReader {
  readonly #bytes: ProbedBytes;
  #boxesLeft = MAX_BOXES;

  constructor(bytes: ProbedBytes) {
    this.#bytes = bytes;
  }

  async find(start: number, end: number, name: string): Promise<Box | undefined> {
    for await (const box of this.#boxes(start, end)) if (box.name === name) return box;
    return undefined;
  }

  async list(start: number, end: number): Promise<readonly Box[]> {
    const boxes: Box[] = [];
    for await (const box of this.#boxes(start, end)) boxes.push(box);
    return boxes;
  }

  /** The first bytes of its content; none where there is no box. */
  async content(box: Box | undefined, length: number): Promise<Uint8Array> {
    if (box === undefined) return new Uint8Array(0);
    return this.#bytes.read(box.start, Math.min(length, box.end - box.start));
  }

  async *#boxes(start: number, end: number): AsyncGenerator<Box> {
    for (let position = start; position + 8 <= end; ) {
      this.#boxesLeft -= 1;
      if (this.#boxesLeft < 0) throw new Error('There are too many boxes.');
      const box = readBox(await this.#bytes.read(position, 16), position, end);
      // Cut off, or damaged.
      if (box === undefined) return;
      yield box;
      position = box.end;
    }
  }
}

function readBox(head: Uint8Array, position: number, limit: number): Box | undefined {
  if (head.length < 8) return undefined;
  const view = viewOf(head);
  const size = view.getUint32(0);
  if (size === 1 && head.length < 16) return undefined;
  const headLength = size === 1 ? 16 : 8;
  const length = size === 0 ? limit - position : size === 1 ? Number(view.getBigUint64(8)) : size;
  const end = position + length;
  if (length < headLength || end > limit) return undefined;
  const name = String.fromCharCode(...head.subarray(4, 8));
  return { name, start: position + headLength, end };
}
