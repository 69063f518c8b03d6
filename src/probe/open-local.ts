import type { FileHandle } from 'node:fs/promises';
import { openHandle } from '../audio/open-file.js';
import { isBranded } from '../audio/sources.js';
import type { AudioSource } from '../contracts/index.js';
import { bytesOf } from '../internal/bytes.js';
import type { RangeReader } from './range-reader.js';

const BLOCK_BYTES = 4096;

/** Undefined for what can be read only once, or only from its begin. */
export function localOpener(source: AudioSource): (() => Promise<RangeReader>) | undefined {
  if (typeof source !== 'object') return undefined;
  if (isBranded(source)) {
    return source.kind === 'file' ? async () => fileReader(await openHandle(source)) : undefined;
  }
  if (source instanceof Blob) return async () => blobReader(source);
  const bytes = bytesOf(source);
  return bytes && (async () => bytesReader(bytes));
}

function fileReader({ handle, sizeBytes }: { handle: FileHandle; sizeBytes: number }): RangeReader {
  return {
    sizeBytes,
    blockBytes: BLOCK_BYTES,
    async read(start, length) {
      const buffer = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
        if (bytesRead === 0) throw new Error('The file became shorter while it was read.');
        filled += bytesRead;
      }
      return buffer;
    },
    close: () => handle.close(),
  };
}

function blobReader(blob: Blob): RangeReader {
  return {
    sizeBytes: blob.size,
    blockBytes: BLOCK_BYTES,
    read: async (start, length) => new Uint8Array(await blob.slice(start, start + length).arrayBuffer()),
    close: async () => undefined,
  };
}

function bytesReader(bytes: Uint8Array): RangeReader {
  return {
    sizeBytes: bytes.byteLength,
    blockBytes: BLOCK_BYTES,
    read: async (start, length) => bytes.subarray(start, start + length),
    close: async () => undefined,
  };
}
