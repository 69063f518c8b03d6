/** Deepgram's own servers, not one that somebody runs by himself. */
export function isDeepgram(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' && (hostname === 'deepgram.com' || hostname.endsWith('.deepgram.com'));
}
