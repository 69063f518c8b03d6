import type { IncomingHttpHeaders } from 'node:http';
import type { Reply } from './reply.js';

export interface ServedAudio {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** From the first byte to before the last. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * Answers GET and HEAD. One range of a GET is answered with that part, without which a browser's player cannot seek.
 * What asks for several ranges, or is no range, gets all of it, as RFC 9110 allows.
 */
export function servedAudioReply(method: string, headers: IncomingHttpHeaders, audio: ServedAudio): Reply {
  const { bytes, contentType } = audio;
  const whole = { 'content-type': contentType, 'accept-ranges': 'bytes' };
  // There is no validator that If-Range could name.
  const wanted = method === 'GET' && headers['if-range'] === undefined ? headers.range : undefined;
  const part = partOf(wanted, bytes.byteLength);
  if (part === undefined) return { status: 200, headers: whole, body: bytes };
  const { from, to } = part;
  if (from >= to) {
    const contentRange = { 'content-range': `bytes */${bytes.byteLength}` };
    return { status: 416, headers: { ...whole, ...contentRange }, body: new Uint8Array() };
  }
  const contentRange = { 'content-range': `bytes ${from}-${to - 1}/${bytes.byteLength}` };
  return { status: 206, headers: { ...whole, ...contentRange }, body: bytes.subarray(from, to) };
}

/** Undefined: all of it. Empty: there is nothing at that place. */
function partOf(range: string | undefined, length: number): Part | undefined {
  const [, first = '', last = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return { from: Math.max(0, length - Number(last)), to: length };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  return { from: Number(first), to: last === '' ? length : Math.min(length, Number(last) + 1) };
}
