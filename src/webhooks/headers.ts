import { BadRequestError } from '../errors/index.js';

/** A fetch `Headers`, a Map or other entries, or an object as Node has it, its names in any case. */
export type WebhookHeaders =
  | Iterable<readonly [string, string | readonly string[] | undefined]>
  | { readonly [name: string]: string | readonly string[] | undefined };

export interface SignatureHeaders {
  /**
   * As are the others, the values of all headers of its name, with blanks between, which neither an id nor a time has.
   * Empty where there is none, or where they are no text or too long.
   */
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: string;
}

const MAX_LENGTH = 4096;

export function signatureHeadersOf(headers: WebhookHeaders): SignatureHeaders {
  const ids: unknown[] = [];
  const timestamps: unknown[] = [];
  const signatures: unknown[] = [];
  const lists = new Map([
    ['webhook-id', ids],
    ['webhook-timestamp', timestamps],
    ['webhook-signature', signatures],
  ]);
  for (const [name, value] of entriesOf(headers)) {
    const values = Array.isArray(value) ? value : [value];
    if (value !== undefined) lists.get(String(name).toLowerCase())?.push(...values);
  }
  return { id: joined(ids), timestamp: joined(timestamps), signatures: joined(signatures) };
}

function entriesOf(headers: unknown): readonly (readonly unknown[])[] {
  if (typeof headers !== 'object' || headers === null) throw wrongHeaders();
  const entries = Symbol.iterator in headers ? [...(headers as Iterable<unknown>)] : Object.entries(headers);
  if (!entries.every(Array.isArray)) throw wrongHeaders();
  return entries;
}

function joined(values: readonly unknown[]): string {
  const text = values.every((value) => typeof value === 'string') ? values.join(' ') : '';
  return text.length > MAX_LENGTH ? '' : text;
}

/** Without the value, which may hold credentials. */
function wrongHeaders(): BadRequestError {
  return new BadRequestError(
    'The option headers must be the headers of the request: a Headers object, the object request.headers of Node, ' +
      'or an array of [name, value].',
    { code: 'invalid_option' },
  );
}
