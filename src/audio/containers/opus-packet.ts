/** Opus is timed at this rate, whatever rate was recorded. */
export const OPUS_RATE = 48_000;

/** Samples of a frame at 48 kHz: by the lowest two bits of the configuration, for each group of them. */
const SILK = [480, 960, 1920, 2880] as const;
const HYBRID = [480, 960, 480, 960] as const;
const CELT = [120, 240, 480, 960] as const;

/** Samples at 48 kHz in a packet, of which the first two bytes are enough. */
export function opusSamples(packet: Uint8Array): number {
  const [toc, count = 0] = packet;
  if (toc === undefined) return 0;
  const configuration = toc >> 3;
  const sizes = configuration < 12 ? SILK : configuration < 16 ? HYBRID : CELT;
  const frame = sizes[configuration & 3] ?? 0;
  const code = toc & 3;
  if (code === 0) return frame;
  return frame * (code === 3 ? count & 0x3f : 2);
}
