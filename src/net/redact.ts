const URL_IN_TEXT = /\b(?:https?|wss?):\/\/[^\s"'<>\\]+/gi;

/** A URL for records and logs: scheme, host and path, without credentials, query string and fragment. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return '(no URL)';
  }
}

/** Text from elsewhere, fit for a message: URLs without their secrets, on one line, of bounded length. */
export function redactText(text: string, maxLength = 300): string {
  const line = text.slice(0, 10_000).replace(URL_IN_TEXT, redactUrl).replace(/\s+/g, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
