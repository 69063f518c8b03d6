// A server may quote the key or the token of the connection: in the reason of a close, in an error, in any name.

/** A shorter beginning of a secret tells nothing of it. */
const MIN_PART_LENGTH = 8;

/** Names that this version knows. They stay as they are, whatever the secret is. */
const KNOWN_NAMES: ReadonlySet<unknown> = new Set([
  'Results',
  'Metadata',
  'SpeechStarted',
  'UtteranceEnd',
  'Error',
  'Connected',
  'ConfigureSuccess',
  'ConfigureFailure',
  'TurnInfo',
  'StartOfTurn',
  'Update',
  'EagerEndOfTurn',
  'TurnResumed',
  'EndOfTurn',
]);

/** The text without the secrets, also where its length was limited and it breaks off within one. */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let rest = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    rest = rest.replaceAll(secret, '***');
    const cut = cutLength(rest, secret);
    if (cut > 0) rest = `${rest.slice(0, -cut)}***`;
  }
  return rest;
}

/** The message without the secrets in what becomes the text of a warning: not in what was said in the audio. */
export function messageWithoutSecrets(
  message: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  const { type, event } = message;
  const isError = type === 'Error';
  if (!isError && isKnownName(type) && (event === undefined || isKnownName(event))) return message;
  const fields = Object.entries(message).map(([name, value]) => {
    const isTold = isError || name === 'type' || name === 'event';
    const isClean = !isTold || typeof value !== 'string' || isKnownName(value);
    return [name, isClean ? value : withoutSecrets(value, secrets)];
  });
  return Object.fromEntries(fields);
}

function isKnownName(value: unknown): boolean {
  return KNOWN_NAMES.has(value);
}

/** How many characters at the end of the text are the beginning of the secret. */
function cutLength(text: string, secret: string): number {
  for (let length = Math.min(secret.length, text.length); length >= MIN_PART_LENGTH; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}
