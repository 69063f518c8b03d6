import { spells, viewOf } from './byte-text.js';

/** What a page of Ogg begins with. */
export interface OggPage {
  /** Its first packet goes on from the page before. */
  readonly isContinued: boolean;
  /** It is the first one of a stream. */
  readonly isFirst: boolean;
  /** The time at which the last packet ends that ends on this page. undefined: none does. */
  readonly granule: number | undefined;
  readonly serial: number;
  readonly packets: readonly PacketPart[];
  /** Bytes of the head itself, and of head and content. */
  readonly headLength: number;
  readonly length: number;
}

/** A packet, or the part of it that is on one page. */
interface PacketPart {
  readonly length: number;
  readonly isEnded: boolean;
}

const HEAD_BYTES = 27;
const CONTINUED = 0x01;
const FIRST = 0x02;

export function readOggPage(bytes: Uint8Array): OggPage | 'incomplete' | 'unknown' {
  if (bytes.length < HEAD_BYTES) return 'incomplete';
  if (!spells(bytes, 'OggS\0')) return 'unknown';
  const view = viewOf(bytes);
  const headLength = HEAD_BYTES + view.getUint8(26);
  if (bytes.length < headLength) return 'incomplete';
  const flags = view.getUint8(5);
  const granule = view.getBigInt64(6, true);
  const packets = readPackets(bytes.subarray(HEAD_BYTES, headLength));
  return {
    isContinued: (flags & CONTINUED) !== 0,
    isFirst: (flags & FIRST) !== 0,
    granule: granule < 0n ? undefined : Number(granule),
    serial: view.getUint32(14, true),
    packets,
    headLength,
    length: packets.reduce((sum, packet) => sum + packet.length, headLength),
  };
}

/** A packet goes on while its segments are of 255 bytes. */
function readPackets(segments: Uint8Array): PacketPart[] {
  const packets: PacketPart[] = [];
  let length = 0;
  for (const segment of segments) {
    length += segment;
    if (segment === 255) continue;
    packets.push({ length, isEnded: true });
    length = 0;
  }
  if (segments.at(-1) === 255) packets.push({ length, isEnded: false });
  return packets;
}
