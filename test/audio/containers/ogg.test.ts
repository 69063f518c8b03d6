import { describe, expect, it } from 'vitest';
import { newSeed } from '../../../src/testing/emulator/faults-random.js';
import { expectSameCuts } from './cut-checks.js';
import { decode, followStream, randomSizes, readSample, resumeAt } from './streams.js';

const SEED = newSeed();
const CONTINUED = 1;
const FIRST = 2;

interface Page {
  readonly flags?: number;
  /** -1n: no packet ends on it. */
  readonly granule?: bigint;
  readonly serial?: number;
  readonly packets: readonly Buffer[];
  /** The last packet goes on on the next page; its length has to be a multiple of 255. */
  readonly isOpen?: boolean;
}

function page({ flags = 0, granule = 0n, serial = 1, packets, isOpen = false }: Page): Buffer {
  const lacing = packets.flatMap(({ length }, index) => {
    const full = Array<number>(Math.floor(length / 255)).fill(255);
    return isOpen && index === packets.length - 1 ? full : [...full, length % 255];
  });
  const head = Buffer.alloc(27);
  head.write('OggS');
  head.writeUInt8(flags, 5);
  head.writeBigInt64LE(granule, 6);
  head.writeUInt32LE(serial, 14);
  head.writeUInt8(lacing.length, 26);
  return Buffer.concat([head, Buffer.from(lacing), ...packets]);
}

const PRE_SKIP = 312;

function opusHeader(serial = 1, tags = Buffer.alloc(40, 'OpusTags')): Buffer {
  const head = Buffer.alloc(19, 'OpusHead\u0001\u0001');
  head.writeUInt16LE(PRE_SKIP, 10);
  return Buffer.concat([page({ flags: FIRST, serial, packets: [head] }), page({ serial, packets: [tags] })]);
}

/** One frame of 20 ms. */
const FRAME = Buffer.from([0x08, 1, 2, 3]);
const FRAME_SAMPLES = 960n;

describe(`An Ogg stream (seed ${SEED})`, () => {
  it.each([
    // As ffprobe tells: packets begin so many seconds after the first one. The header is what is before them.
    { name: 'opus', codec: 'Opus', header: 121, count: 11, step: 0.2, first: 0.2 },
    { name: 'flac', codec: 'FLAC', header: 146, count: 5, step: 0.216, first: 0.216 },
    { name: 'speex', codec: 'Speex', header: 175, count: 10, step: 0.2, first: 0.2 },
    // The first page of 2048 samples has one block less to be heard, and so has each cut: decoders need one to begin.
    { name: 'vorbis', codec: 'Vorbis', header: 3361, count: 10, step: 0.224, first: 0.224 },
  ])('of $codec has a cut point at each page', ({ name, codec, header, count, step, first }) => {
    const bytes = readSample(`ogg-${name}.ogg`);
    const { container, cuts } = followStream(bytes, randomSizes(SEED));
    expect(Buffer.from(container.header ?? []).equals(bytes.subarray(0, header))).toBe(true);
    const expected = Array.from({ length: count }, (_, index) =>
      index === 0 ? 0 : first + (index - 1) * step,
    );
    expect(cuts.map(({ seconds }) => seconds)).toEqual(expected.map((at) => expect.closeTo(at, 6)));
    expect(cuts[0]?.position).toBe(header);
    expectSameCuts(bytes, cuts);
    for (const cut of cuts) {
      const resumed = resumeAt(bytes, container, cut);
      // The pages are whole: the decoder says what it lacks, and nothing else.
      expect(() => decode(resumed)).toThrow(`no decoder for ${codec} in Ogg`);
      // What is sent again can be cut at the same places.
      const again = followStream(resumed, () => 333).cuts;
      const moved = again.map(({ position }) => position - header + cut.position);
      expect(moved).toEqual(
        cuts.filter(({ position }) => position >= cut.position).map((each) => each.position),
      );
    }
  });

  it('has the same seconds when its granules begin late, as those of a joined broadcast do', () => {
    for (const begin of [0n, 1_000_000_000n]) {
      const pages = [1n, 2n, 3n].map((index) =>
        page({ granule: begin + index * FRAME_SAMPLES * 2n, packets: [FRAME, FRAME] }),
      );
      const { cuts } = followStream(Buffer.concat([opusHeader(), ...pages]), () => 1);
      expect(cuts.map(({ seconds }) => seconds)).toEqual([0, 0.04, 0.08]);
    }
  });

  it('is not cut at a page that begins inside a packet', () => {
    const long = Buffer.alloc(255, FRAME);
    const bytes = Buffer.concat([
      opusHeader(),
      page({ granule: FRAME_SAMPLES, packets: [FRAME, long], isOpen: true }),
      page({ flags: CONTINUED, granule: -1n, packets: [long], isOpen: true }),
      page({ flags: CONTINUED, granule: 3n * FRAME_SAMPLES, packets: [FRAME, FRAME] }),
      page({ granule: 4n * FRAME_SAMPLES, packets: [FRAME] }),
    ]);
    const { cuts } = followStream(bytes, () => 7);
    expect(cuts.map(({ seconds }) => seconds)).toEqual([0, 0.06]);
    expect(cuts[1]?.position).toBe(bytes.length - 27 - 1 - FRAME.length);
  });

  it('may begin with a packet that is longer than its page', () => {
    const long = Buffer.alloc(255, FRAME);
    const bytes = Buffer.concat([
      opusHeader(),
      page({ granule: -1n, packets: [long], isOpen: true }),
      page({ flags: CONTINUED, granule: 5000n + 2n * FRAME_SAMPLES, packets: [FRAME, FRAME] }),
      page({ granule: 5000n + 3n * FRAME_SAMPLES, packets: [FRAME] }),
    ]);
    expect(followStream(bytes, () => 7).cuts.map(({ seconds }) => seconds)).toEqual([0, 0.04]);
  });

  it('has header pages as many as its header fills', () => {
    const tags = Buffer.alloc(255 * 300, 'OpusTags');
    const [start, rest] = [tags.subarray(0, 255 * 255), tags.subarray(255 * 255)];
    const header = Buffer.concat([
      opusHeader().subarray(0, 27 + 1 + 19),
      page({ granule: -1n, packets: [start], isOpen: true }),
      page({ flags: CONTINUED, packets: [rest] }),
    ]);
    const bytes = Buffer.concat([header, page({ granule: FRAME_SAMPLES, packets: [FRAME] })]);
    const { container, cuts } = followStream(bytes, () => 1000);
    expect(Buffer.from(container.header ?? []).equals(header)).toBe(true);
    expect(cuts).toEqual([{ position: header.length, seconds: 0 }]);
  });

  it('of FLAC may not tell how many packets its header has', () => {
    const flac = Buffer.from(readSample('ogg-flac.ogg'));
    const expected = followStream(flac, () => 100);
    // The number of header packets behind the first one.
    flac.writeUInt16BE(0, 28 + 7);
    const { container, cuts } = followStream(flac, () => 100);
    expect(cuts).toEqual(expected.cuts);
    expect(container.header).toHaveLength(expected.container.header?.length ?? 0);
  });

  it('of several links has the header of each as the prefix of its cut points', () => {
    const audio = (serial: number) =>
      [1n, 2n].map((index) =>
        page({ serial, granule: index * FRAME_SAMPLES * 50n, packets: Array(50).fill(FRAME) }),
      );
    const second = opusHeader(2);
    const bytes = Buffer.concat([opusHeader(1), ...audio(1), second, ...audio(2)]);
    const { container, cuts } = followStream(bytes, randomSizes(SEED));
    const heard = 2 - PRE_SKIP / 48_000;
    expect(cuts.map(({ seconds }) => seconds)).toEqual(
      [0, 1, heard, heard + 1].map((at) => expect.closeTo(at, 9)),
    );
    expect(cuts.map(({ prefix }) => prefix && Buffer.from(prefix).equals(second))).toEqual([
      undefined,
      undefined,
      true,
      true,
    ]);
    expect(Buffer.from(container.header ?? []).equals(opusHeader(1))).toBe(true);
  });

  it.each<[string, Buffer]>([
    [
      'two streams at once',
      Buffer.concat([
        opusHeader(1).subarray(0, 47),
        opusHeader(2),
        page({ granule: 960n, packets: [FRAME] }),
      ]),
    ],
    [
      'another codec',
      Buffer.concat([
        page({ flags: FIRST, packets: [Buffer.from('\u0080theora')] }),
        page({ granule: 1n, packets: [FRAME] }),
      ]),
    ],
    ['no first page', page({ granule: 960n, packets: [FRAME] })],
    [
      'a header that is too long',
      Buffer.concat([
        opusHeader().subarray(0, 47),
        ...Array(5).fill(page({ granule: -1n, packets: [Buffer.alloc(255 * 255)], isOpen: true })),
        page({ granule: 960n, packets: [FRAME] }),
      ]),
    ],
    [
      'a first packet that is cut short',
      Buffer.concat([page({ flags: FIRST, packets: [Buffer.from('OpusHead')] }), opusHeader().subarray(47)]),
    ],
  ])('has neither header nor cut points: %s', (_name, bytes) => {
    const { container, cuts } = followStream(bytes, () => 1000);
    expect(cuts).toEqual([]);
    expect(container.header).toBeUndefined();
  });

  it('has no more cut points behind bytes that got lost', () => {
    const bytes = readSample('ogg-opus.ogg');
    const holed = Buffer.concat([bytes.subarray(0, 700), bytes.subarray(800)]);
    expect(followStream(holed, () => 100).cuts.map(({ position }) => position)).toEqual([121, 602]);
  });
});
