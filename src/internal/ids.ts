/** Prefixes tell ids apart in logs: calls, live sessions, jobs, transcripts. */
export type IdPrefix = 'call' | 'live' | 'job' | 'tr' | 'aud';

/** An id such as `job_7f3c…`: the prefix and 32 hexadecimal digits. */
export function createId(prefix: IdPrefix): string {
  return `${prefix}_${globalThis.crypto.randomUUID().replaceAll('-', '')}`;
}
