import { UnsupportedSourceError } from '../errors/index.js';
import { bytesOf } from '../internal/bytes.js';

/** What `send()` takes: bytes in any of JavaScript's containers. Node's Buffer is a Uint8Array. */
export type AudioChunk = Uint8Array | ArrayBuffer | ArrayBufferView;

/** A view of the caller's bytes, not a copy. */
export function toBytes(chunk: unknown): Uint8Array {
  const bytes = bytesOf(chunk);
  if (bytes !== undefined) return bytes;
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
  if (typeof value === 'string') {
    return ' A path is no audio: use pipeFrom(fromFile(path)). Text of a stream: open it without an encoding.';
  }
  return typeof value === 'object' && value !== null ? ' A whole source goes to pipeFrom().' : '';
}
