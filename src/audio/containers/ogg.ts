import type { CutPoint } from '../../contracts/index.js';
import type { ContainerParser, Taken } from './follow.js';
import { OggLink } from './ogg-link.js';
import { type OggPage, readOggPage } from './ogg-page.js';

/** Enough of a packet to tell how long it lasts. */
const PACKET_BEGIN_BYTES = 2;

interface WaitingPacket {
  readonly length: number;
  readonly isContinued: boolean;
  readonly isEnded: boolean;
}

/**
 * Ogg with one stream of Opus, Vorbis, FLAC or Speex at a time. The header is the header pages, as they came. A cut
 * point is at each page that begins with a new packet. In a chain, what follows the first stream has its own header
 * pages as the prefix.
 */
export class OggParser implements ContainerParser {
  header: Uint8Array | undefined;
  readonly bytesPerSecond = undefined;
  #link: OggLink | undefined;
  #secondsBeforeLink = 0;
  /** Packets of the page that is being taken, and its granule. */
  #waiting: WaitingPacket[] = [];
  #pageGranule: number | undefined;

  take(bytes: Uint8Array, position: number, cuts: CutPoint[]): Taken {
    if (this.#link && this.#waiting.length > 0) return this.#takePacket(bytes, this.#link);
    const page = readOggPage(bytes);
    if (typeof page === 'string') return page;
    if (page.isFirst || !this.#link?.header) return this.#takeHeaderPage(page, bytes);
    // Another stream runs beside this one.
    if (page.serial !== this.#link.serial) return page.length;
    return this.#takeAudioPage(page, position, cuts, this.#link);
  }

  #takeHeaderPage(page: OggPage, bytes: Uint8Array): Taken {
    if (bytes.length < page.length) return 'incomplete';
    const link = page.isFirst ? this.#beginLink(page.serial) : this.#link;
    if (link?.serial !== page.serial || !link.hasRoomFor(page.length)) return 'unknown';
    if (!link.addHeaderPage(page, bytes.subarray(0, page.length))) return 'unknown';
    this.header ??= link.header;
    return page.length;
  }

  /** undefined: the header of the last one is not whole, so several run at once. */
  #beginLink(serial: number): OggLink | undefined {
    if (this.#link && !this.#link.header) return undefined;
    this.#secondsBeforeLink += this.#link?.heardSeconds ?? 0;
    this.#link = new OggLink(serial);
    return this.#link;
  }

  #takeAudioPage(page: OggPage, position: number, cuts: CutPoint[], link: OggLink): Taken {
    if (!page.isContinued && page.packets.length > 0) cuts.push(this.#cutAt(position, link));
    if (!link.countsPackets) {
      link.endPage(page.granule);
      return page.length;
    }
    this.#waiting = page.packets.map(({ length, isEnded }, index) => ({
      length,
      isContinued: page.isContinued && index === 0,
      isEnded,
    }));
    this.#pageGranule = page.granule;
    if (this.#waiting.length === 0) link.endPage(page.granule);
    return page.headLength;
  }

  #takePacket(bytes: Uint8Array, link: OggLink): Taken {
    const [packet] = this.#waiting;
    if (!packet) return 0;
    const begin = bytes.subarray(0, Math.min(packet.length, PACKET_BEGIN_BYTES));
    if (begin.length < Math.min(packet.length, PACKET_BEGIN_BYTES)) return 'incomplete';
    link.countPacket(begin, packet.isContinued, packet.isEnded);
    this.#waiting.shift();
    if (this.#waiting.length === 0) link.endPage(this.#pageGranule);
    return packet.length;
  }

  #cutAt(position: number, link: OggLink): CutPoint {
    const seconds = this.#secondsBeforeLink + link.cutSeconds;
    return link.header && link.header !== this.header
      ? { position, seconds, prefix: link.header }
      : { position, seconds };
  }
}
