export const VISITOR_COOKIE = 'visitor';

const PATTERN = new RegExp(`(?:^|;\\s*)${VISITOR_COOKIE}=([0-9a-f-]{36})(?:;|$)`);

/** Undefined where the request carries no id. */
export function visitorOf(cookies: string | null): string | undefined {
  return PATTERN.exec(cookies ?? '')?.[1];
}
