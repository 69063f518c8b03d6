/** What an element of EBML begins with. */
export interface ElementHead {
  readonly id: number;
  /** Bytes of its content. undefined: unknown, it ends where an element begins that cannot be inside. */
  readonly size: number | undefined;
  /** Bytes of the head itself. */
  readonly length: number;
  /** How many of them tell the size. */
  readonly sizeLength: number;
}

export interface VariableNumber {
  /** Without the bit that marks the length. */
  readonly value: number;
  /** In bytes. */
  readonly length: number;
}

export function readElementHead(bytes: Uint8Array): ElementHead | 'incomplete' | 'unknown' {
  const id = readVariableNumber(bytes, 4);
  if (typeof id === 'string') return id;
  const size = readVariableNumber(bytes.subarray(id.length), 8);
  if (typeof size === 'string') return size;
  const isUnknown = size.value >= 2 ** (7 * size.length) - 1;
  return {
    // Ids are written with the bit that marks their length.
    id: id.value + 2 ** (7 * id.length),
    size: isUnknown ? undefined : size.value,
    length: id.length + size.length,
    sizeLength: size.length,
  };
}

/** The leading zero bits of the first byte tell how many bytes there are. */
export function readVariableNumber(
  bytes: Uint8Array,
  maxLength: number,
): VariableNumber | 'incomplete' | 'unknown' {
  const first = bytes[0];
  if (first === undefined) return 'incomplete';
  const length = Math.clz32(first) - 23;
  if (length > maxLength) return 'unknown';
  if (bytes.length < length) return 'incomplete';
  // The mark is taken off first: with it, a number of eight bytes has more bits than fit.
  const begin = first & (0xff >> length);
  const value = bytes.subarray(1, length).reduce((sum, byte) => sum * 256 + byte, begin);
  return { value, length };
}

export function readUnsigned(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** The elements that fill `bytes`, as far as they are whole: their contents by their ids. */
export function readChildren(bytes: Uint8Array): [id: number, content: Uint8Array][] {
  const children: [number, Uint8Array][] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const head = readElementHead(rest);
    if (typeof head === 'string' || head.size === undefined) break;
    const end = head.length + head.size;
    if (rest.length < end) break;
    children.push([head.id, rest.subarray(head.length, end)]);
    rest = rest.subarray(end);
  }
  return children;
}
