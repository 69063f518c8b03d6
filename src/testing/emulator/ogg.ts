import { noDecoder, UnreadableAudio } from './unreadable-audio.js';

/** Checks that a stream is whole Ogg pages, begin to end. Nothing in Ogg can be decoded here. */
export interface OggReader {
  /** @throws UnreadableAudio once the stream is known to be intact, or not to be */
  read(bytes: Uint8Array): void;
  /** The stream is over. @throws UnreadableAudio always */
  finish(): never;
}

const HEAD_BYTES = 27;
const CAPTURE = Buffer.from('OggS');
const BEGIN_OF_STREAM = 0x02;
/** What the first packet of a stream begins with. */
const CODECS: readonly (readonly [magic: string, name: string])[] = [
  ['OpusHead', 'Opus'],
  ['\u0001vorbis', 'Vorbis'],
  ['\u007fFLAC', 'FLAC'],
  ['Speex', 'Speex'],
];

interface Page {
  readonly flags: number;
  /** The time at which it ends. Pages that hold headers have 0. */
  readonly granule: bigint;
  readonly content: Uint8Array;
  readonly byteLength: number;
}

export function createOggReader(): OggReader {
  let unread: Uint8Array = new Uint8Array(0);
  let codec: string | undefined;

  /** Takes a page. True: it holds audio. */
  function accept({ flags, granule, content }: Page): boolean {
    if ((flags & BEGIN_OF_STREAM) !== 0) {
      const begin = Buffer.from(content.subarray(0, 16)).toString('latin1');
      codec = CODECS.find(([magic]) => begin.startsWith(magic))?.[1] ?? 'an unknown codec';
    }
    if (codec === undefined) {
      throw new UnreadableAudio('lacksHeader', 'the Ogg stream lacks its header pages');
    }
    return granule !== 0n;
  }

  return {
    read(bytes) {
      unread = Buffer.concat([unread, bytes]);
      let hasAudio = false;
      for (let page = takePage(unread); page; page = takePage(unread)) {
        hasAudio = accept(page) || hasAudio;
        unread = unread.subarray(page.byteLength);
      }
      // Not before a page of audio has come: only then it is known that the stream goes on behind its header as it must.
      if (hasAudio) throw noDecoder(`${codec} in Ogg`);
    },
    finish() {
      if (unread.byteLength > 0 || codec === undefined) {
        throw new UnreadableAudio('corrupt', 'the Ogg stream ends inside a page');
      }
      throw noDecoder(`${codec} in Ogg`);
    },
  };
}

/** The first page. undefined: it is not complete. */
function takePage(bytes: Uint8Array): Page | undefined {
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const known = Math.min(CAPTURE.byteLength, begin.byteLength);
  if (begin.compare(CAPTURE, 0, known, 0, known) !== 0 || (begin[4] ?? 0) !== 0) {
    throw new UnreadableAudio('resumesInside', 'the Ogg stream goes on inside a page');
  }
  const start = HEAD_BYTES + (begin[HEAD_BYTES - 1] ?? 0);
  if (begin.byteLength < HEAD_BYTES || begin.byteLength < start) return undefined;
  const length = begin.subarray(HEAD_BYTES, start).reduce((sum, lacing) => sum + lacing, 0);
  if (begin.byteLength < start + length) return undefined;
  return {
    flags: begin[5] ?? 0,
    granule: begin.readBigInt64LE(6),
    content: begin.subarray(start, start + length),
    byteLength: start + length,
  };
}
