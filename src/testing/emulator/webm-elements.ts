/** One element of an EBML file. */
export interface WebmElement {
  readonly id: number;
  readonly content: Uint8Array;
  /** Where the next element begins. */
  readonly next: number;
}

/** The ids of EBML and Matroska that the emulator knows. */
export const elementIds = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  bitDepth: 0x6264,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  position: 0xa7,
  previousSize: 0xab,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
  referenceBlock: 0xfb,
  discardPadding: 0x75a2,
  cues: 0x1c53bb6b,
  chapters: 0x1043a770,
  tags: 0x1254c367,
  attachments: 0x1941a469,
  voidElement: 0xec,
  crc32: 0xbf,
} as const;

/** No element that is read as a whole is longer; what claims to be is no WebM. */
const MAX_CONTENT_BYTES = 16 * 1024 * 1024;
const NONE: ReadonlySet<number> = new Set();

/**
 * Takes the element at `offset`. Of an entered one only the head is taken: its content follows as elements of its own.
 * undefined: there is no element.
 */
export function takeElement(
  bytes: Uint8Array,
  offset: number,
  entered: ReadonlySet<number>,
): WebmElement | 'incomplete' | undefined {
  const id = readNumber(bytes, offset, 4);
  if (!id || id === 'incomplete') return id;
  const size = readNumber(bytes, offset + id.length, 8);
  if (!size || size === 'incomplete') return size;
  const start = offset + id.length + size.length;
  if (entered.has(id.value)) return { id: id.value, content: new Uint8Array(0), next: start };
  const length = withoutMarker(size);
  if (length === undefined || length > MAX_CONTENT_BYTES) return undefined;
  if (start + length > bytes.byteLength) return 'incomplete';
  return { id: id.value, content: bytes.subarray(start, start + length), next: start + length };
}

/** The elements that fill `bytes`; undefined where they do not. */
export function splitElements(bytes: Uint8Array): WebmElement[] | undefined {
  const elements: WebmElement[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    const element = takeElement(bytes, offset, NONE);
    if (!element || element === 'incomplete') return undefined;
    elements.push(element);
    offset = element.next;
  }
  return elements;
}

export function readUnsigned(elements: readonly WebmElement[], id: number): number | undefined {
  const content = elements.find((element) => element.id === id)?.content;
  return content?.reduce((value, byte) => value * 256 + byte, 0);
}

export function readFloat(elements: readonly WebmElement[], id: number): number | undefined {
  const content = elements.find((element) => element.id === id)?.content;
  if (content?.byteLength !== 4 && content?.byteLength !== 8) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return content.byteLength === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

interface VariableNumber {
  /** With the bit that marks the length. */
  readonly value: number;
  /** In bytes. */
  /** Without the marker bit. */
  readonly plain: number;
  readonly length: number;
}

/** The leading zero bits of the first byte tell how many bytes there are. */
function readNumber(
  bytes: Uint8Array,
  offset: number,
  maxLength: number,
): VariableNumber | 'incomplete' | undefined {
  const first = bytes[offset];
  if (first === undefined) return 'incomplete';
  const length = Math.clz32(first) - 23;
  if (length > maxLength) return undefined;
  if (offset + length > bytes.byteLength) return 'incomplete';
  const number = bytes.subarray(offset, offset + length);
  // Apart: the marker of eight bytes is too large to be added to without a loss.
  const plain = number.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & (2 ** (8 - length) - 1));
  const marker = 2 ** (7 * length);
  return { value: marker + plain, plain, length };
}

/** undefined: all bits are set, so the size is unknown. */
function withoutMarker({ plain, length }: VariableNumber): number | undefined {
  return plain >= 2 ** (7 * length) - 1 ? undefined : plain;
}
