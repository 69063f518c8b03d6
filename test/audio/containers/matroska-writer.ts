/** How blocks of 16-bit audio in one channel are laid out. */
export interface MatroskaLayout {
  readonly sampleRate: number;
  readonly blockSamples: number;
  readonly blocksPerCluster: number;
  /** Clusters and segment tell their size. */
  readonly knownSizes?: boolean;
  /** Blocks are in groups, behind another element of the group. */
  readonly groups?: boolean;
  /** A block of video comes before each so many blocks of audio. */
  readonly videoEvery?: number;
  /** Nanoseconds of a tick. */
  readonly scale?: number;
  /** Seconds of the first block's time. */
  readonly begin?: number;
  /** How much faster the clock of the times runs than the audio. */
  readonly clock?: number;
  /** Of the audio track. */
  readonly track?: number;
}

const UNKNOWN = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/** PCM in Matroska, laid out in ways in which neither browsers nor `encodeWebm` lay it out. */
export function writeMatroska(pcm: Int16Array, layout: MatroskaLayout): Uint8Array {
  const { sampleRate, blockSamples, knownSizes = false, scale = 1_000_000, begin = 0, clock = 1 } = layout;
  const ticks = (sample: number) => Math.round(((begin + (sample * clock) / sampleRate) * 1e9) / scale);
  const clusters: Buffer[] = [];
  const clusterSamples = blockSamples * layout.blocksPerCluster;
  for (let start = 0; start < pcm.length; start += clusterSamples) {
    const blocks: Buffer[] = [];
    for (let at = start; at < Math.min(pcm.length, start + clusterSamples); at += blockSamples) {
      const time = ticks(at) - ticks(start);
      const index = at / blockSamples;
      if (layout.videoEvery && index % layout.videoEvery === 0) {
        blocks.push(element('a3', Buffer.concat([blockHead(2, time), Buffer.alloc(333, 0x1f)])));
      }
      const samples = pcm.slice(at, at + blockSamples);
      const block = Buffer.concat([blockHead(layout.track ?? 1, time), Buffer.from(samples.buffer)]);
      blocks.push(
        layout.groups
          ? element('a0', Buffer.concat([element('9b', Buffer.from([20])), element('a1', block)]))
          : element('a3', block),
      );
    }
    const content = Buffer.concat([element('e7', number(ticks(start))), element('ab', number(7)), ...blocks]);
    clusters.push(element('1f43b675', content, knownSizes));
  }
  const tracks = Buffer.concat([videoTrack(), audioTrack(layout.track ?? 1, sampleRate)]);
  const parts = [
    element('ec', Buffer.alloc(104)),
    element('1549a966', element('2ad7b1', number(scale))),
    element('1654ae6b', tracks),
    ...clusters,
    element('1c53bb6b', Buffer.alloc(50, 0xbb)),
  ];
  return Buffer.concat([
    element('1a45dfa3', element('4282', Buffer.from('matroska'))),
    element('18538067', Buffer.concat(parts), knownSizes),
  ]);
}

/** With a size of four bytes. */
export function element(id: string, content: Buffer, isSizeKnown = true): Buffer<ArrayBuffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.length + 2 ** 28);
  return Buffer.concat([Buffer.from(id, 'hex'), isSizeKnown ? size : UNKNOWN, content]);
}

/** `flags`: those of lacing. */
export function blockHead(track: number, time: number, flags = 0x80): Buffer {
  const head = Buffer.alloc(track > 0x7e ? 5 : 4);
  if (track > 0x7e) head.writeUInt16BE(track + 0x4000);
  else head.writeUInt8(track + 0x80);
  head.writeInt16BE(time, head.length - 3);
  head.writeUInt8(flags, head.length - 1);
  return head;
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function audioTrack(
  track: number,
  sampleRate: number,
  codec = 'A_PCM/INT/LIT',
  more = Buffer.alloc(0),
): Buffer {
  const rate = Buffer.alloc(4);
  rate.writeFloatBE(sampleRate);
  const audio = Buffer.concat([
    element('b5', rate),
    element('9f', Buffer.from([1])),
    element('6264', Buffer.from([16])),
  ]);
  return element(
    'ae',
    Buffer.concat([
      element('d7', number(track)),
      element('83', Buffer.from([2])),
      element('86', Buffer.from(`${codec}\0\0`)),
      element('e1', audio),
      more,
    ]),
  );
}

function videoTrack(): Buffer {
  const parts = [
    element('d7', Buffer.from([2])),
    element('83', Buffer.from([1])),
    element('86', Buffer.from('V_VP8')),
  ];
  return element('ae', Buffer.concat(parts));
}
