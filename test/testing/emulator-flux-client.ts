import type { DeepgramEmulator } from 'transcription-client/testing';
import { WebSocket } from 'ws';

/** What the tests read of Flux's messages. */
export interface FluxMessage {
  readonly type: string;
  readonly sequence_id: number;
  readonly request_id?: string;
  readonly event?: string;
  readonly turn_index?: number;
  readonly audio_window_start?: number;
  readonly audio_window_end?: number;
  readonly transcript?: string;
  readonly words?: readonly { word: string; confidence: number; start: number; end: number }[];
  readonly end_of_turn_confidence?: number;
  readonly trigger?: string;
  readonly languages?: readonly string[];
  readonly code?: string;
  readonly thresholds?: object;
  readonly keyterms?: readonly string[];
  readonly language_hints?: readonly string[];
}

export interface FluxClient {
  readonly socket: WebSocket;
  readonly messages: FluxMessage[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens a Flux stream with plain `ws`, of raw audio at 16 kHz or of audio in a container. */
export async function openFlux(
  emulator: DeepgramEmulator,
  query: Readonly<Record<string, string>> = {},
  audio: 'raw' | 'container' = 'raw',
  headers: Readonly<Record<string, string>> = { authorization: 'Token test-key' },
): Promise<FluxClient> {
  const layout = audio === 'raw' ? { encoding: 'linear16', sample_rate: '16000' } : {};
  const all = { model: 'flux-general-en', ...layout, ...query };
  const socket = new WebSocket(`${emulator.wsUrl}/v2/listen?${new URLSearchParams(all)}`, {
    headers: { ...headers },
  });
  const messages: FluxMessage[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data)) as FluxMessage));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return { socket, messages, closed };
}

/** All audio in frames of 80 ms, then CloseStream. Settles with all messages once the stream is closed. */
export async function stream(client: FluxClient, audio: Uint8Array, bytes = 2560): Promise<FluxMessage[]> {
  for (let offset = 0; offset < audio.byteLength; offset += bytes) {
    client.socket.send(audio.subarray(offset, offset + bytes));
  }
  client.socket.send('{"type":"CloseStream"}');
  await client.closed;
  return client.messages;
}

/** The events but Update, each with its transcript. */
export function changes(messages: readonly FluxMessage[]): string[] {
  return messages
    .filter(({ event }) => event !== undefined && event !== 'Update')
    .map(({ event, transcript }) => `${event}: ${transcript}`);
}
