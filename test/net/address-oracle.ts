/** Which addresses are public, worked out by arithmetic, as a second opinion on the guard. */

type Range = readonly [first: string, bits: number];

const SPECIAL_4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** In full, so that no parser is needed. */
const SPECIAL_6: readonly Range[] = [
  ['0000:0000:0000:0000:0000:0000:0000:0000', 3],
  ['2001:0000:0000:0000:0000:0000:0000:0000', 23],
  ['2001:0db8:0000:0000:0000:0000:0000:0000', 32],
  ['2002:0000:0000:0000:0000:0000:0000:0000', 16],
  ['2620:004f:8000:0000:0000:0000:0000:0000', 48],
  ['3fff:0000:0000:0000:0000:0000:0000:0000', 20],
  ['4000:0000:0000:0000:0000:0000:0000:0000', 2],
  ['8000:0000:0000:0000:0000:0000:0000:0000', 1],
];

export interface Family {
  readonly bits: 32 | 128;
  readonly special: readonly { readonly first: bigint; readonly last: bigint }[];
  text(value: bigint): string;
}

export const IPV4: Family = {
  bits: 32,
  special: SPECIAL_4.map((range) => bounds(range, 32)),
  text: (value) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.'),
};

export const IPV6: Family = {
  bits: 128,
  special: SPECIAL_6.map((range) => bounds(range, 128)),
  text: (value) =>
    Array.from({ length: 8 }, (_, index) =>
      ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
    ).join(':'),
};

export function isPublic(family: Family, value: bigint): boolean {
  return !family.special.some(({ first, last }) => value >= first && value <= last);
}

function bounds([text, prefix]: Range, bits: number): { first: bigint; last: bigint } {
  const first = text.includes(':')
    ? BigInt(`0x${text.replaceAll(':', '')}`)
    : text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  return { first, last: first + (1n << BigInt(bits - prefix)) - 1n };
}
