// What Deepgram's messages have in common, whatever their protocol.
import { redactText } from '../net/redact.js';

/** The SDK's field names, checked by the compiler; their values, checked at run time. */
export type Unchecked<Message> = { readonly [Field in keyof Message]?: unknown };

export interface MessageWarning {
  readonly kind: 'warning';
  readonly code: string;
  readonly message: string;
}

export interface UnknownMessage {
  readonly kind: 'unknown';
  readonly type: string;
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isTime(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function malformed(type: string): MessageWarning {
  return {
    kind: 'warning',
    code: 'invalid_message',
    message: `Deepgram sent a ${type} message with missing or wrong fields. It was left out.`,
  };
}

export function unknownMessage(type: unknown): UnknownMessage {
  return { kind: 'unknown', type: redactText(typeof type === 'string' ? type : '(no type)', 60) };
}

/** What an `Error` message says, without what may be a secret. */
export function errorText(message: Readonly<Record<string, unknown>>): string {
  const said = [message.variant ?? message.code, message.description ?? message.message]
    .flatMap((part) => text(part) ?? [])
    .join(': ');
  return `Deepgram reported an error${said === '' ? '' : `: ${redactText(said)}`}.`;
}
