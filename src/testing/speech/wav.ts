const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const FORMAT_PCM = 1;

/**
 * A WAV file of interleaved 16-bit samples.
 *
 * Throws a RangeError if the sample rate or the number of channels is not a whole positive number,
 * or if the samples do not fill whole frames.
 */
export function encodeWav(
  pcm: Int16Array,
  { sampleRate, channels }: { readonly sampleRate: number; readonly channels: number },
): Uint8Array<ArrayBuffer> {
  requireWholePositive('sampleRate', sampleRate);
  requireWholePositive('channels', channels);
  if (pcm.length % channels !== 0) {
    throw new RangeError(`pcm: the length must be a multiple of ${channels} channels, got ${pcm.length}`);
  }
  const dataBytes = pcm.length * BYTES_PER_SAMPLE;
  const file = new Uint8Array(HEADER_BYTES + dataBytes);
  const view = new DataView(file.buffer);
  const writeTag = (offset: number, tag: string) => file.set(new TextEncoder().encode(tag), offset);
  writeTag(0, 'RIFF');
  view.setUint32(4, file.length - 8, true);
  writeTag(8, 'WAVE');
  writeTag(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * BYTES_PER_SAMPLE, true);
  view.setUint16(32, channels * BYTES_PER_SAMPLE, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  writeTag(36, 'data');
  view.setUint32(40, dataBytes, true);
  file.set(encodeRaw(pcm), HEADER_BYTES);
  return file;
}

/** The samples as little-endian bytes, whatever the machine's own byte order. */
export function encodeRaw(pcm: Int16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pcm.length * BYTES_PER_SAMPLE);
  const view = new DataView(bytes.buffer);
  pcm.forEach((sample, index) => {
    view.setInt16(index * BYTES_PER_SAMPLE, sample, true);
  });
  return bytes;
}

function requireWholePositive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name}: must be a whole number of at least 1, got ${value}`);
  }
}
