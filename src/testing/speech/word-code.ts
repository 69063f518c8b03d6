/**
 * The code of one spoken word: a start marker, octal digits, an end marker, one symbol each.
 * The digits are the bits of these bytes, the highest first, filled up with zeros to a whole digit:
 *
 * | bytes | content |
 * |---|---|
 * | 2 | pause before the word in ms, or `UNKNOWN_PAUSE` |
 * | 1 | length of the text in bytes |
 * | 1 to 60 | text in UTF-8 |
 * | 2 | CRC-16 of the pause, the length and the text |
 */
const UNKNOWN_PAUSE = 0xffff;
export const MAX_WORD_BYTES = 60;

const PAUSE_BYTES = 2;
const HEADER_BYTES = PAUSE_BYTES + 1;
const CHECKSUM_BYTES = 2;
const BITS_PER_DIGIT = 3;

/** After so many digits the length of the word is known. */
export const HEADER_DIGITS = (8 * HEADER_BYTES) / BITS_PER_DIGIT;

/** Digits of a word by the length of its text. */
export function digitCount(textBytes: number): number {
  return Math.ceil((8 * (HEADER_BYTES + textBytes + CHECKSUM_BYTES)) / BITS_PER_DIGIT);
}

/** A pause too long for the code is written as unknown. */
export function encodeWord(word: string, pauseMs: number | undefined): number[] {
  const text = new TextEncoder().encode(word);
  const pause = Math.min(pauseMs ?? UNKNOWN_PAUSE, UNKNOWN_PAUSE);
  const content = [pause >> 8, pause & 0xff, text.length, ...text];
  const checksum = crc16(content);
  return regroup([...content, checksum >> 8, checksum & 0xff, 0], 8, BITS_PER_DIGIT).slice(
    0,
    digitCount(text.length),
  );
}

/** The length of the text, or undefined if the header holds an impossible one. Needs the whole header. */
export function decodeLength(digits: readonly number[]): number | undefined {
  const length = toBytes(digits)[PAUSE_BYTES] ?? 0;
  return length > 0 && length <= MAX_WORD_BYTES ? length : undefined;
}

/** The whole word, or undefined if its checksum or its text is wrong. `pauseMs` is absent if unknown. */
export function decodeWord(digits: readonly number[]): { text: string; pauseMs?: number } | undefined {
  const text = decodePrefix(digits);
  if (text === undefined) return undefined;
  const [high = 0, low = 0] = toBytes(digits);
  const pauseMs = high * 256 + low;
  // Encoding again checks everything at once: the checksum, the length and the zeros at the end.
  const expected = encodeWord(text, pauseMs);
  if (expected.length !== digits.length || expected.some((digit, index) => digit !== digits[index])) {
    return undefined;
  }
  return pauseMs === UNKNOWN_PAUSE ? { text } : { text, pauseMs };
}

/** The whole letters among the digits received so far, or undefined if they cannot be text. */
export function decodePrefix(digits: readonly number[]): string | undefined {
  if (digits.length < HEADER_DIGITS) return '';
  const length = decodeLength(digits) ?? 0;
  const text = toBytes(digits).slice(HEADER_BYTES, HEADER_BYTES + length);
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    // As a stream: a letter that is not complete yet is left out, and is no error.
    return decoder.decode(Uint8Array.from(text), { stream: true });
  } catch {
    return undefined;
  }
}

function toBytes(digits: readonly number[]): number[] {
  return regroup(digits, BITS_PER_DIGIT, 8);
}

/** The same bits in groups of another size. An incomplete group at the end is left out. */
function regroup(values: readonly number[], bitsIn: number, bitsOut: number): number[] {
  const groups: number[] = [];
  let pending = 0;
  let pendingBits = 0;
  for (const value of values) {
    pending = (pending << bitsIn) | value;
    pendingBits += bitsIn;
    while (pendingBits >= bitsOut) {
      pendingBits -= bitsOut;
      groups.push(pending >> pendingBits);
      pending &= (1 << pendingBits) - 1;
    }
  }
  return groups;
}

/** CRC-16 with polynomial 0x1021, starting from 0xFFFF: finds every error burst of up to 16 bits. */
function crc16(bytes: readonly number[]): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    }
    crc &= 0xffff;
  }
  return crc;
}
