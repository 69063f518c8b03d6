import { UnsupportedSourceError } from '../../errors/index.js';
import { bytesOf } from '../../internal/bytes.js';

interface Block {
  /** Valid until the next block is asked for: all blocks share one buffer. */
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/**
 * Chunks of any size as blocks of one size; the first may have another one, and the last may be shorter. It is never
 * empty. A block is held back until it is known whether one follows.
 *
 * The bytes are copied before the next chunk is asked for: a source may use its buffer again.
 */
export async function* cutBlocks(
  chunks: AsyncIterable<Uint8Array>,
  blockSize: number,
  firstSize = blockSize,
): AsyncGenerator<Block> {
  const buffer = new Uint8Array(Math.max(blockSize, firstSize));
  let size = firstSize;
  let filled = 0;
  for await (const chunk of chunks) {
    const bytes = toBytes(chunk);
    for (let offset = 0; offset < bytes.byteLength; ) {
      if (filled === size) {
        yield { bytes: buffer.subarray(0, size), isLast: false };
        size = blockSize;
        filled = 0;
      }
      const part = bytes.subarray(offset, offset + size - filled);
      buffer.set(part, filled);
      filled += part.byteLength;
      offset += part.byteLength;
    }
  }
  if (filled > 0) yield { bytes: buffer.subarray(0, filled), isLast: true };
}

function toBytes(chunk: unknown): Uint8Array {
  const bytes = bytesOf(chunk);
  if (bytes !== undefined) return bytes;
  throw new UnsupportedSourceError(
    `The audio delivered a ${chunk === null ? 'null' : typeof chunk} instead of bytes. Open it without an encoding and not in object mode.`,
    { code: 'unsupported_source' },
  );
}
