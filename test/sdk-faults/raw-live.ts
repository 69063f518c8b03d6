import type { DeepgramClient } from '@deepgram/sdk';
import { expect } from 'vitest';
import { type RawOptions, rawSdk } from './raw-sdk.js';

export const RAW_AUDIO = { encoding: 'linear16', sample_rate: 16_000 } as const;

interface RawLiveOptions extends Pick<RawOptions, 'accessToken'> {
  readonly abortSignal?: AbortSignal;
  readonly reconnectAttempts?: number;
}

type Message = Readonly<Record<string, unknown>>;

/** A live socket of the SDK, and what its handlers heard so far. */
export interface RawLive extends AsyncDisposable {
  readonly socket: Awaited<ReturnType<DeepgramClient['listen']['v1']['createConnection']>>;
  readonly messages: readonly unknown[];
  readonly errors: readonly Error[];
  /** The codes of the closes. */
  readonly closes: readonly number[];
  /** How often it opened. */
  opens(): number;
  /** The finals that have words, in the order of their coming. Times are seconds. */
  finals(): { readonly text: string; readonly start: number; readonly duration: number }[];
}

/** Opens a live connection with the SDK as its users do: create, listen, connect. */
export async function openRaw(url: string, options: RawLiveOptions = {}): Promise<RawLive> {
  const { accessToken, ...live } = options;
  const client = rawSdk(url, accessToken && { accessToken });
  // The SDK's type asks for a header that it fills in itself.
  const args = { model: 'nova-3', ...RAW_AUDIO, ...live } as never;
  const socket = await client.listen.v1.createConnection(args);
  const messages: unknown[] = [];
  const errors: Error[] = [];
  const closes: number[] = [];
  let opens = 0;
  socket.on('open', () => {
    opens += 1;
  });
  socket.on('message', (message) => messages.push(message));
  socket.on('error', (error) => errors.push(error));
  socket.on('close', ({ code }) => closes.push(code));
  socket.connect();
  return {
    socket,
    messages,
    errors,
    closes,
    opens: () => opens,
    finals: () => (messages as Message[]).filter(isFinal).map(toFinal),
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

interface Results {
  readonly start: number;
  readonly duration: number;
  readonly channel: { readonly alternatives: readonly { readonly transcript: string }[] };
}

function isFinal(message: Message): boolean {
  return message.type === 'Results' && message.is_final === true && toFinal(message).text !== '';
}

function toFinal(message: Message) {
  const { start, duration, channel } = message as unknown as Results;
  return { text: channel.alternatives[0]?.transcript ?? '', start, duration };
}

/** Waits for a condition, longer than the SDK waits before it reconnects, on a busy machine too. */
export function eventually<Value>(read: () => Value) {
  return expect.poll(read, { timeout: 10_000 });
}
