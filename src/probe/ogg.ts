import { spells } from '../audio/containers/byte-text.js';
import { OggLink } from '../audio/containers/ogg-link.js';
import { type OggPage, readOggPage } from '../audio/containers/ogg-page.js';
import type { ProbedBytes } from './probed-bytes.js';

const MAX_HEAD_BYTES = 27 + 255;
/** The longest that a page can be. */
const MAX_PAGE_BYTES = MAX_HEAD_BYTES + 255 * 255;
const USUAL_TAIL_BYTES = 12 * 1024;
/** Of a packet, to tell how long it lasts. */
const PACKET_BEGIN_BYTES = 2;

/** Ogg tells the time on each page, so the length is on the last one. Undefined where several streams follow or mix. */
export async function readOggSeconds(bytes: ProbedBytes): Promise<number | undefined> {
  const link = await readBegin(bytes);
  const granule = link && (await readLastGranule(bytes, link.serial));
  if (link === undefined || granule === undefined) return undefined;
  link.endPage(granule);
  return link.heardSeconds;
}

/** The header, and the first page of audio, which tells where the time begins. */
async function readBegin(bytes: ProbedBytes): Promise<OggLink | undefined> {
  let link: OggLink | undefined;
  for (let position = 0; position < bytes.sizeBytes; ) {
    const page = readOggPage(await bytes.read(position, MAX_HEAD_BYTES));
    if (typeof page === 'string' || page.length === 0) return undefined;
    link ??= new OggLink(page.serial);
    if (page.serial !== link.serial) return undefined;
    if (link.header === undefined) {
      const isTaken = link.hasRoomFor(page.length) && (await addHeader(bytes, position, page, link));
      if (!isTaken) return undefined;
    } else {
      await countPackets(bytes, position, page, link);
      link.endPage(page.granule);
      if (page.granule !== undefined) return link;
    }
    position += page.length;
  }
  return undefined;
}

async function addHeader(
  bytes: ProbedBytes,
  position: number,
  page: OggPage,
  link: OggLink,
): Promise<boolean> {
  const whole = await bytes.read(position, page.length);
  return whole.length === page.length && link.addHeaderPage(page, whole);
}

async function countPackets(
  bytes: ProbedBytes,
  position: number,
  page: OggPage,
  link: OggLink,
): Promise<void> {
  let offset = position + page.headLength;
  for (const [index, { length, isEnded }] of page.packets.entries()) {
    const begin = await bytes.read(offset, Math.min(length, PACKET_BEGIN_BYTES));
    link.countPacket(begin, page.isContinued && index === 0, isEnded);
    offset += length;
  }
}

/** Most pages are far shorter than they may be. */
async function readLastGranule(bytes: ProbedBytes, serial: number): Promise<number | undefined> {
  for (const length of [USUAL_TAIL_BYTES, MAX_PAGE_BYTES]) {
    const tail = await bytes.read(Math.max(0, bytes.sizeBytes - length), length);
    const page = lastTimedPage(tail);
    if (page !== undefined) return page.serial === serial ? page.granule : undefined;
  }
  return undefined;
}

function lastTimedPage(tail: Uint8Array): OggPage | undefined {
  for (let offset = tail.length - 1; offset >= 0; offset -= 1) {
    if (!spells(tail, 'OggS\0', offset)) continue;
    const page = readOggPage(tail.subarray(offset));
    if (typeof page !== 'string' && page.granule !== undefined) return page;
  }
  return undefined;
}
