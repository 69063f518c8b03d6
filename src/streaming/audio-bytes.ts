import { UnsupportedSourceError } from '../errors/index.js';

/** What `send()` takes: bytes in any of JavaScript's containers. Node's Buffer is a Uint8Array. */
export type AudioChunk = Uint8Array | ArrayBuffer | ArrayBufferView;

/** A view of the caller's bytes, not a copy. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new UnsupportedSourceError(
    `Audio must be bytes: pass a Uint8Array, a Buffer, an ArrayBuffer or a typed array, not ${describe(chunk)}.${advice(chunk)}`,
    { code: 'unsupported_source' },
  );
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return value === undefined ? 'undefined' : `a ${typeof value}`;
  return Array.isArray(value) ? 'an array' : `an object (${value.constructor?.name ?? 'no class'})`;
}

function advice(value: unknown): string {
  if (typeof value === 'string') return ' Open the stream without an encoding.';
  if (typeof Blob !== 'undefined' && value instanceof Blob) return ' Use await blob.arrayBuffer().';
  return '';
}
