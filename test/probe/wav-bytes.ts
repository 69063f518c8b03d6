export function chunk(name: string, content: Uint8Array, size = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

export interface Format {
  readonly tag?: number;
  readonly channels?: number;
  readonly rate?: number;
  readonly average?: number;
  readonly blockBytes?: number;
  readonly bits?: number;
  readonly blockSamples?: number;
}

/** By default one second of PCM has 16,000 bytes. */
export function formatChunk(format: Format = {}): Buffer {
  const {
    tag = 1,
    channels = 1,
    rate = 8000,
    average = 16_000,
    blockBytes = 2,
    bits = 16,
    blockSamples,
  } = format;
  const content = Buffer.alloc(blockSamples === undefined ? 16 : 20);
  content.writeUInt16LE(tag, 0);
  content.writeUInt16LE(channels, 2);
  content.writeUInt32LE(rate, 4);
  content.writeUInt32LE(average, 8);
  content.writeUInt16LE(blockBytes, 12);
  content.writeUInt16LE(bits, 14);
  if (blockSamples !== undefined) content.writeUInt16LE(2, 16);
  if (blockSamples !== undefined) content.writeUInt16LE(blockSamples, 18);
  return chunk('fmt ', content);
}

export function factChunk(samples: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeUInt32LE(samples);
  return chunk('fact', content);
}

export function longSizes(dataBytes: number): Buffer {
  const content = Buffer.alloc(28);
  content.writeBigUInt64LE(BigInt(dataBytes), 8);
  return chunk('ds64', content);
}

export const wav = (...chunks: Buffer[]): Buffer => riff('RIFF', ...chunks);

export function riff(name: string, ...chunks: Buffer[]): Buffer {
  const content = Buffer.concat(chunks);
  const whole = Buffer.concat([chunk(name, Buffer.from('WAVE'), content.length + 4), content]);
  if (name !== 'RIFF') whole.writeUInt32LE(0xffff_ffff, 4);
  return whole;
}

export const dataAt = (bytes: Buffer): number => bytes.indexOf('data', 12, 'latin1');

export function withDataSize(bytes: Buffer, size: number): Buffer {
  const patched = Buffer.from(bytes);
  patched.writeUInt32LE(size, dataAt(bytes) + 4);
  return patched;
}

export function withRiffSize(bytes: Buffer, size: number): Buffer {
  const patched = Buffer.from(bytes);
  patched.writeUInt32LE(size, 4);
  return patched;
}

export function beforeData(bytes: Buffer, ...chunks: Buffer[]): Buffer {
  const at = dataAt(bytes);
  return Buffer.concat([bytes.subarray(0, at), ...chunks, bytes.subarray(at)]);
}
