import type { DeepgramEmulator } from 'transcription-client/testing';
import { WebSocket } from 'ws';

/** What the tests read of the live API's messages. */
export interface LiveMessage {
  readonly type: string;
  readonly channel_index?: readonly number[];
  readonly start?: number;
  readonly duration?: number;
  readonly is_final?: boolean;
  readonly speech_final?: boolean;
  readonly from_finalize?: boolean;
  readonly channel?: {
    readonly alternatives: readonly {
      readonly transcript: string;
      readonly words: readonly { word: string; start: number; end: number; punctuated_word?: string }[];
    }[];
  };
  readonly last_word_end?: number;
  readonly timestamp?: number;
  readonly request_id?: string;
  readonly sha256?: string;
  readonly channels?: number;
  readonly variant?: string;
}

export interface LiveClient {
  readonly socket: WebSocket;
  readonly messages: LiveMessage[];
  readonly handshakeHeaders: Readonly<Record<string, unknown>>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

type Query = Readonly<Record<string, string>>;

/** Opens a stream with plain `ws`, which shows what is on the wire. */
export async function openLive(
  emulator: DeepgramEmulator,
  query: Query = { encoding: 'linear16', sample_rate: '16000' },
  options: { readonly headers?: Query; readonly protocols?: string[] } = {
    headers: { authorization: 'Token test-key' },
  },
): Promise<LiveClient> {
  const url = `${emulator.wsUrl}/v1/listen?${new URLSearchParams(query)}`;
  const socket = new WebSocket(url, options.protocols ?? [], { headers: { ...options.headers } });
  const messages: LiveMessage[] = [];
  let handshakeHeaders = {};
  socket.on('upgrade', (response) => {
    handshakeHeaders = response.headers;
  });
  socket.on('message', (data) => messages.push(JSON.parse(String(data)) as LiveMessage));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return { socket, messages, handshakeHeaders, closed };
}

/** The answer to a handshake that is refused. */
export function refusedLive(
  emulator: DeepgramEmulator,
  path: string,
  headers: Query = { authorization: 'Token test-key' },
): Promise<{ status: number; headers: Readonly<Record<string, unknown>> }> {
  const socket = new WebSocket(`${emulator.wsUrl}${path}`, { headers: { ...headers } });
  return new Promise((resolve, reject) => {
    socket.on('error', () => {});
    socket.on('open', () => reject(new Error('the handshake was accepted')));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
  });
}

const FRAME_BYTES = 640;

/** 20 ms each of 16-bit mono audio at 16 kHz. The last one may be shorter. */
export function framesOf(audio: Uint8Array, bytes = FRAME_BYTES): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < audio.byteLength; offset += bytes)
    frames.push(audio.subarray(offset, offset + bytes));
  return frames;
}

export function sendFrames(client: LiveClient, audio: Uint8Array, bytes?: number): void {
  for (const frame of framesOf(audio, bytes)) client.socket.send(frame);
}

export async function closeStream(client: LiveClient): Promise<LiveMessage[]> {
  client.socket.send('{"type":"CloseStream"}');
  await client.closed;
  return client.messages;
}

export function results(messages: readonly LiveMessage[], channel = 0): LiveMessage[] {
  return messages.filter((message) => message.type === 'Results' && message.channel_index?.[0] === channel);
}

export function finals(messages: readonly LiveMessage[], channel = 0): LiveMessage[] {
  return results(messages, channel).filter((message) => message.is_final);
}

export function transcript(message: LiveMessage | undefined): string {
  return message?.channel?.alternatives[0]?.transcript ?? '';
}

export function textOf(messages: readonly LiveMessage[]): string {
  return messages
    .map(transcript)
    .filter((text) => text !== '')
    .join(' ');
}

export function wordsOf(messages: readonly LiveMessage[]): { word: string; start: number; end: number }[] {
  return messages.flatMap((message) => message.channel?.alternatives[0]?.words ?? []);
}
