export interface WebmFormat {
  readonly sampleRate: number;
  readonly channels: number;
  /** Default `float32`, as Chromium records `audio/webm;codecs=pcm`. */
  readonly sample?: 'float32' | 'int16';
}

const UNKNOWN_SIZE = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const BLOCK_SECONDS = 0.02;
/** A block's time is a signed 16-bit number of milliseconds from its cluster's. */
const BLOCKS_PER_CLUSTER = 50;

/**
 * A WebM recording of interleaved 16-bit samples as PCM, laid out as a browser's recorder streams it: segment and
 * clusters of unknown size, a cluster a second, a block each 20 ms.
 *
 * Throws a RangeError if the sample rate or the number of channels is not a whole positive number, or if the samples
 * do not fill whole frames.
 */
export function encodeWebm(pcm: Int16Array, format: WebmFormat): Uint8Array<ArrayBuffer> {
  const { sampleRate, channels, sample = 'float32' } = format;
  for (const [name, value] of Object.entries({ sampleRate, channels })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RangeError(`${name}: must be a whole number of at least 1, got ${value}`);
  }
  if (pcm.length % channels !== 0) {
    throw new RangeError(`pcm: the length must be a multiple of ${channels} channels, got ${pcm.length}`);
  }
  const blockSamples = Math.max(1, Math.round(sampleRate * BLOCK_SECONDS)) * channels;
  const parts = [header({ sampleRate, channels, sample })];
  for (let block = 0; block * blockSamples < pcm.length; block += 1) {
    const seconds = (block * blockSamples) / channels / sampleRate;
    const inCluster = block % BLOCKS_PER_CLUSTER;
    if (inCluster === 0) {
      const timestamp = Math.round(seconds * 1000);
      parts.push(Buffer.from([0x1f, 0x43, 0xb6, 0x75, ...UNKNOWN_SIZE]), element([0xe7], wide(timestamp)));
    }
    const time = Math.round(inCluster * BLOCK_SECONDS * 1000);
    const samples = pcm.subarray(block * blockSamples, (block + 1) * blockSamples);
    const head = [0x81, time >> 8, time & 0xff, 0x80];
    parts.push(element([0xa3], Buffer.concat([Buffer.from(head), sampleBytes(samples, sample)])));
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function header({ sampleRate, channels, sample }: Required<WebmFormat>): Buffer {
  const rate = Buffer.alloc(8);
  rate.writeDoubleBE(sampleRate);
  const audio = Buffer.concat([
    element([0xb5], rate),
    element([0x9f], Buffer.from([channels])),
    element([0x62, 0x64], Buffer.from([sample === 'float32' ? 32 : 16])),
  ]);
  const track = Buffer.concat([
    element([0xd7], Buffer.from([1])),
    element([0x73, 0xc5], Buffer.from([1])),
    element([0x83], Buffer.from([2])),
    element([0x86], Buffer.from(sample === 'float32' ? 'A_PCM/FLOAT/IEEE' : 'A_PCM/INT/LIT')),
    element([0xe1], audio),
  ]);
  return Buffer.concat([
    element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], Buffer.from('webm'))),
    Buffer.from([0x18, 0x53, 0x80, 0x67, ...UNKNOWN_SIZE]),
    element([0x15, 0x49, 0xa9, 0x66], element([0x2a, 0xd7, 0xb1], wide(1_000_000))),
    element([0x16, 0x54, 0xae, 0x6b], element([0xae], track)),
  ]);
}

/** With a size of four bytes, whatever its value. */
function element(id: readonly number[], content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(id), wide(0x10000000 + content.byteLength), content]);
}

function wide(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function sampleBytes(samples: Int16Array, sample: 'float32' | 'int16'): Buffer {
  const width = sample === 'float32' ? 4 : 2;
  const bytes = Buffer.alloc(samples.length * width);
  samples.forEach((value, index) => {
    if (sample === 'float32') bytes.writeFloatLE(value / 32_768, index * width);
    else bytes.writeInt16LE(value, index * width);
  });
  return bytes;
}
