/** A time as `toISOString()` writes it. Times are compared as text: other ways to write the same one sort elsewhere. */
export function isIsoTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value;
}
