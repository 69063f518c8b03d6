/**
 * JSONB takes no NUL character and no half of a surrogate pair, which JSON text does. Data that holds one is kept as
 * text within an object of this one key.
 */
const KEY = 'transcription-client:text';

/** Also matches text that only looks so, which then takes a detour. */
const NOT_FOR_JSONB = /\\u(?:0000|d[89a-f])/i;

export function toJsonb(json: string): string {
  return NOT_FOR_JSONB.test(json) || json.includes(KEY) ? JSON.stringify({ [KEY]: json }) : json;
}

export function fromJsonb(text: string): string {
  if (!text.startsWith(`{"${KEY}"`)) return text;
  const kept = (JSON.parse(text) as Record<string, unknown>)[KEY];
  // What somebody has changed by hand is no JSON, and so is damaged.
  return typeof kept === 'string' ? kept : '';
}
