// @ts-check

/**
 * The first channel of a 16-bit PCM WAV file, or undefined for anything else.
 *
 * @param {Uint8Array} file
 */
export function readWav(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const name = (/** @type {number} */ at) => String.fromCharCode(...file.subarray(at, at + 4));
  if (file.byteLength < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') return undefined;
  let channels = 0;
  let sampleRate = 0;
  for (let at = 12; at + 8 <= file.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === 'fmt ') {
      if (view.getUint16(at + 22, true) !== 16) return undefined;
      channels = view.getUint16(at + 10, true);
      sampleRate = view.getUint32(at + 12, true);
    }
    if (name(at) === 'data' && channels > 0) {
      const frames = Math.floor(Math.min(size, file.byteLength - at - 8) / (2 * channels));
      const samples = Int16Array.from({ length: frames }, (_, frame) =>
        view.getInt16(at + 8 + frame * 2 * channels, true),
      );
      return { samples, sampleRate, durationSeconds: frames / sampleRate };
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}
