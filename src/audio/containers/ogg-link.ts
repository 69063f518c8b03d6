import { HeaderBytes } from './header-bytes.js';
import { type OggCodec, readOggCodec } from './ogg-codecs.js';
import type { OggPage } from './ogg-page.js';

const LAST_FLAC_BLOCK = 0x80;

/** One stream of a codec, from its header pages on. In a chain they follow one another. */
export class OggLink {
  readonly serial: number;
  readonly #gathered = new HeaderBytes();
  #codec: OggCodec | undefined;
  #headerPackets = 0;
  #hasMarkedLast = false;
  #header: Uint8Array | undefined;
  /**
   * Where granules begin: not at 0 if the sender has joined a stream that ran before, and below 0 where samples are
   * left out of them, as Speex leaves out its delay.
   */
  #firstGranule: number | undefined;
  #granule = 0;
  /** In packets that have ended, while the first granule is not known. */
  #samples = 0;
  #unendedSamples = 0;

  constructor(serial: number) {
    this.serial = serial;
  }

  /** The header pages. Undefined until they are whole. */
  get header(): Uint8Array | undefined {
    return this.#header;
  }

  /** Whether so many bytes more are not too many for the header. */
  hasRoomFor(count: number): boolean {
    return this.#gathered.hasRoomFor(count);
  }

  /** Takes a whole page of the header. False: it is none. */
  addHeaderPage(page: OggPage, bytes: Uint8Array): boolean {
    let offset = page.headLength;
    for (const [index, packet] of page.packets.entries()) {
      const begin = bytes.subarray(offset, offset + packet.length);
      this.#codec ??= readOggCodec(begin);
      if (!this.#codec) return false;
      if (!(index === 0 && page.isContinued)) this.#beginHeaderPacket(begin);
      if (packet.isEnded) this.#headerPackets += 1;
      offset += packet.length;
    }
    this.#gathered.add(bytes);
    const wanted = this.#codec?.headerPackets;
    const isWhole = wanted === undefined ? this.#hasMarkedLast : this.#headerPackets >= wanted;
    const isEnded = page.packets.at(-1)?.isEnded === true;
    if (isWhole && isEnded) this.#header = this.#gathered.whole();
    return true;
  }

  /** The first byte of a FLAC metadata block tells if it is the last one; that of the stream's first is within the packet. */
  #beginHeaderPacket(begin: Uint8Array): void {
    const mark = this.#headerPackets === 0 ? begin[13] : begin[0];
    this.#hasMarkedLast = ((mark ?? 0) & LAST_FLAC_BLOCK) !== 0;
  }

  /** Whether packets are to be counted, because it is not known yet where the granules begin. */
  get countsPackets(): boolean {
    return this.#firstGranule === undefined;
  }

  countPacket(begin: Uint8Array, isContinued: boolean, isEnded: boolean): void {
    if (!isContinued) this.#unendedSamples = this.#codec?.samplesOf(begin) ?? 0;
    if (!isEnded) return;
    this.#samples += this.#unendedSamples;
    this.#unendedSamples = 0;
  }

  /** At the end of each page of audio. */
  endPage(granule: number | undefined): void {
    if (granule === undefined) return;
    this.#granule = Math.max(this.#granule, granule);
    const first = granule - this.#samples;
    this.#firstGranule ??= this.#codec?.isExact ? first : Math.max(0, first);
  }

  /**
   * The second at which what follows the pages so far is heard behind a cut. What a decoder leaves out at the begin of
   * a stream it leaves out there as well.
   */
  get cutSeconds(): number {
    return this.#seconds(this.#codec?.primingSamples ?? 0);
  }

  /** Seconds that were heard if the stream ends here. */
  get heardSeconds(): number {
    return Math.max(0, this.#seconds(-(this.#codec?.silentSamples ?? 0)));
  }

  #seconds(moreSamples: number): number {
    if (this.#firstGranule === undefined || !this.#codec) return 0;
    return (this.#granule - this.#firstGranule + moreSamples) / this.#codec.rate;
  }
}
