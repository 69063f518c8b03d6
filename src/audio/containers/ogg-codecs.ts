import { spells, viewOf } from './byte-text.js';
import { OPUS_RATE, opusSamples } from './opus-packet.js';

export interface OggCodec {
  /** Of the granules, in a second. */
  readonly rate: number;
  /** How many packets the header has, the first one included. undefined: the last one is marked, as FLAC's may be. */
  readonly headerPackets: number | undefined;
  /** Samples at the begin of the stream that are not heard. */
  readonly silentSamples: number;
  /** Samples that the first packet behind a cut holds and a decoder does not give, because it lacks the one before. */
  readonly primingSamples: number;
  /** Samples in a packet, of its first two bytes. */
  readonly samplesOf: (begin: Uint8Array) => number;
  /** False: packets differ and do not tell, so it is the most that they may have. */
  readonly isExact: boolean;
}

/** Tells the codec by the first packet of a stream. */
export function readOggCodec(packet: Uint8Array): OggCodec | undefined {
  const codec = CODECS.find(({ magic, length }) => packet.length >= length && spells(packet, magic));
  const read = codec?.read(viewOf(packet));
  return read && read.rate > 0 ? read : undefined;
}

interface CodecReader {
  readonly magic: string;
  /** Of the packet, at least. */
  readonly length: number;
  read(packet: DataView): OggCodec;
}

const CODECS: readonly CodecReader[] = [
  {
    magic: 'OpusHead',
    length: 19,
    read: (packet) => ({
      rate: OPUS_RATE,
      headerPackets: 2,
      silentSamples: packet.getUint16(10, true),
      primingSamples: 0,
      samplesOf: opusSamples,
      isExact: true,
    }),
  },
  {
    magic: '\u0001vorbis',
    length: 30,
    read(packet) {
      const longestBlock = 2 ** (packet.getUint8(28) >> 4);
      return {
        rate: packet.getUint32(12, true),
        headerPackets: 3,
        silentSamples: 0,
        // Most blocks are of the longest kind, and later than true is better: an earlier cut is taken then.
        primingSamples: longestBlock / 2,
        samplesOf: () => longestBlock / 2,
        isExact: false,
      };
    },
  },
  {
    magic: '\u007fFLAC',
    length: 51,
    read(packet) {
      const further = packet.getUint16(7);
      const smallestBlock = packet.getUint16(17);
      const largestBlock = packet.getUint16(19);
      return {
        rate: packet.getUint32(27) >>> 12,
        headerPackets: further === 0 ? undefined : 1 + further,
        silentSamples: 0,
        primingSamples: 0,
        samplesOf: () => largestBlock,
        isExact: smallestBlock === largestBlock,
      };
    },
  },
  {
    magic: 'Speex   ',
    length: 72,
    read(packet) {
      const packetSamples = packet.getUint32(56, true) * packet.getUint32(64, true);
      return {
        rate: packet.getUint32(36, true),
        headerPackets: 2 + packet.getUint32(68, true),
        silentSamples: 0,
        primingSamples: 0,
        samplesOf: () => packetSamples,
        isExact: true,
      };
    },
  },
];
