/**
 * What a `Retry-After` header asks for, in milliseconds: seconds, or an HTTP date. A date is read against the sender's
 * own clock, its `Date` header, where there is one: ours may be wrong. Undefined where it says neither.
 */
export function parseRetryAfter(
  header: (name: string) => string | undefined,
  receivedAtMs: number,
): number | undefined {
  const text = header('retry-after')?.trim() ?? '';
  if (/^\d{1,10}(\.\d{1,10})?$/.test(text)) return Number(text) * 1000;
  const dateMs = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(dateMs)) return undefined;
  const sentAtMs = Date.parse(header('date') ?? '');
  return Math.max(0, dateMs - (Number.isNaN(sentAtMs) ? receivedAtMs : sentAtMs));
}
