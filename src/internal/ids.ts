/** Prefixes tell ids apart in logs: calls, live sessions, jobs, transcripts, HTTP requests. */
export type IdPrefix = 'call' | 'live' | 'job' | 'tr' | 'aud' | 'req';

/**
 * An id such as `job_019f…`: the prefix and 32 hexadecimal digits, of which the first 12 are the time and the others
 * random. So new ids come to the end of an index, which costs a database less.
 */
export function createId(prefix: IdPrefix): string {
  const uuid = globalThis.crypto.randomUUID();
  // Eleven digits until the year 2527.
  return `${prefix}_0${Date.now().toString(16)}${uuid.slice(0, 8)}${uuid.slice(-12)}`;
}
