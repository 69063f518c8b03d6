const URL_IN_TEXT = /\b(?:https?|wss?):(?:\\?\/){2}[^\s"<>]+/gi;

/** A URL for records and logs: scheme, host and path, without credentials, query string and fragment. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return '(no URL)';
  }
}

/** Shorter parts of a URL are no secrets, and taking them out would spoil what is said. */
const MIN_SECRET_LENGTH = 8;

/**
 * The parts of a URL that open a door, for `redactText()`: who answers may quote them without the URL around.
 * The longest come first, because one may hold another.
 */
export function secretsOfUrl(text: string): readonly string[] {
  const { username, password, search, searchParams, hash } = new URL(text);
  const raw = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  const parts = [search.slice(1), hash.slice(1), ...raw, ...searchParams.values()];
  const secrets = [username, password, ...parts].flatMap((part) => [part, decoded(part)]);
  return [...new Set(secrets)]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Text from elsewhere, fit for a message: URLs without their secrets, none of the given secrets, on one line,
 * of bounded length.
 */
export function redactText(text: string, maxLength = 300, secrets: readonly string[] = []): string {
  let line = text.slice(0, 10_000);
  for (const secret of secrets) if (secret !== '') line = line.replaceAll(secret, '***');
  line = line.replace(URL_IN_TEXT, redactUrl).replace(/\s+/g, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
