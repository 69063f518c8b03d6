/** A strong ETag: other bytes or another format have another one. */
export async function etagOf(format: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', body);
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `"${format}-${hex.slice(0, 32)}"`;
}

/** Whether `If-None-Match` names it. As RFC 9110 has it, weak ETags match as well. */
export function isNoneMatch(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === '*') return true;
  return Array.from(header.matchAll(/"[^"]*"/g), ([tag]) => tag).includes(etag);
}
