import { inspect } from 'node:util';
import { type ClientEvent, type ClientOptions, TranscriptionClient } from 'transcription-client';
import { expect } from 'vitest';

/** What holds more than this has hold of a connection, a request or the SDK. */
const MOST_OBJECTS = 500;

const EVENTS = {
  'request-start': true,
  'request-end': true,
  'attempt-start': true,
  attempt: true,
  retry: true,
  'limit-wait': true,
  failover: true,
  'storage-failure': true,
  job: true,
  deduplicated: true,
  live: true,
  route: true,
  'webhook-delivery': true,
  warning: true,
} as const satisfies Record<ClientEvent['type'], true>;

/** Everything of a value that a log, a debugger or an error reporter may show, bytes as text too. */
export function shown(value: unknown): string {
  const settings = {
    depth: 20,
    showHidden: true,
    getters: true,
    maxArrayLength: null,
    maxStringLength: null,
  };
  const error = value instanceof Error ? [value.message, value.stack ?? '', String(value.cause)] : [];
  return [inspect(value, settings), JSON.stringify(value), String(value), ...error, ...reachable(value)].join(
    '\n',
  );
}

/** All texts and bytes that lead from a value by its properties, hidden ones too. */
function reachable(root: unknown): string[] {
  const texts: string[] = [];
  const seen = new Set<object>();
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') texts.push(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      texts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
      continue;
    }
    if (value instanceof Map) waiting.push(...value.entries());
    if (value instanceof Set) waiting.push(...value.values());
    for (const property of Object.values(Object.getOwnPropertyDescriptors(value))) {
      // Classes and functions lead to all of the code, which is no part of the value.
      if (typeof property.value !== 'function') waiting.push(property.value);
    }
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      waiting.push((value as Record<symbol, unknown>)[symbol]);
    }
  }
  expect(seen.size).toBeLessThan(MOST_OBJECTS);
  return texts;
}

export interface WatchedClient {
  readonly client: TranscriptionClient;
  /** All that listeners, hooks and the logger got, and the client itself as it was each time. */
  seen(): string;
}

/** A client that has everything listened to which it tells. */
export function watchedClient(options: ClientOptions): WatchedClient {
  const texts: string[] = [];
  const note = (...told: unknown[]): void => {
    for (const item of told) texts.push(shown(item));
    if (client !== undefined) texts.push(shown(client));
  };
  let client: TranscriptionClient | undefined;
  const made = new TranscriptionClient({
    ...options,
    metrics: [{ onEvent: note }],
    logger: { debug: note, info: note, warn: note, error: note },
  });
  client = made;
  for (const type of Object.keys(EVENTS) as ClientEvent['type'][]) made.on(type, note);
  note();
  return {
    client: made,
    seen() {
      note();
      return texts.join('\n');
    },
  };
}
