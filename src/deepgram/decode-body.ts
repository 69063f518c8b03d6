import { promisify } from 'node:util';

/**
 * The bytes of an answer as they were before they were compressed. Nobody asks Deepgram for that, but a proxy
 * between may do it unasked, and the work is paid for by then.
 *
 * Rejects where the bytes are not what the encoding says, or more than `maxBytes`.
 */
export async function decodeBody(bytes: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const { brotliDecompress, gunzip, inflate } = await import('node:zlib');
  const options = { maxOutputLength: maxBytes };
  switch (encoding.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return promisify(gunzip)(bytes, options);
    case 'deflate':
      return promisify(inflate)(bytes, options);
    case 'br':
      return promisify(brotliDecompress)(bytes, options);
    default:
      // Also `identity`. What is no text is refused later.
      return bytes;
  }
}
