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
