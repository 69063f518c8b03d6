import type { LiveEvent, StreamOptions } from '../../src/contracts/index.js';
import { createLiveTransport, type LiveTransportOptions } from '../../src/deepgram/live.js';
import { systemClock } from '../../src/internal/system-clock.js';
import type { LiveTranscription } from '../../src/streaming/live-transcription.js';
import { type OpenLiveRequest, openLive } from '../../src/streaming/stream.js';

type LiveOverrides = Partial<OpenLiveRequest> & {
  readonly stream?: Pick<
    StreamOptions,
    'encoding' | 'sample_rate' | 'channels' | 'finishTimeoutMs' | 'signal'
  >;
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly connectTimeoutMs?: number;
  readonly credentials?: LiveTransportOptions['credentials'];
};

export const RAW_16K = { encoding: 'linear16', sample_rate: 16_000 } as const;

/** A transport to a server of the test, with a key that nobody checks. */
export function transportTo(endpoint: string, overrides: Partial<LiveTransportOptions> = {}) {
  return createLiveTransport({
    endpoint,
    region: 'test',
    credentials: async () => ({ kind: 'key', apiKey: 'test-key' }),
    parameters: { model: 'nova-3', ...RAW_16K },
    connectTimeoutMs: 5000,
    clock: systemClock,
    ...overrides,
  });
}

/** A live transcription over a real connection. Default: raw 16 kHz audio. */
export function liveTo(endpoint: string, overrides: LiveOverrides = {}): LiveTranscription {
  const { parameters = {}, connectTimeoutMs = 5000, credentials, ...request } = overrides;
  const stream: NonNullable<LiveOverrides['stream']> = overrides.stream ?? RAW_16K;
  const { encoding, sample_rate, channels } = stream;
  const format = Object.fromEntries(
    Object.entries({ encoding, sample_rate, channels }).filter(([, value]) => value !== undefined),
  ) as Record<string, string | number>;
  return openLive({
    transport: transportTo(endpoint, {
      parameters: { model: 'nova-3', ...format, ...parameters },
      connectTimeoutMs,
      ...(credentials && { credentials }),
    }),
    options: { model: 'nova-3', ...stream },
    clock: systemClock,
    ...request,
  });
}

/** Cuts audio into chunks as a microphone delivers them. Default: 20 ms of raw 16 kHz audio. */
export function* chunksOf(audio: Uint8Array, bytes = 640): Generator<Uint8Array> {
  for (let at = 0; at < audio.length; at += bytes) yield audio.subarray(at, at + bytes);
}

/** All events to the end. */
export async function collect(live: AsyncIterable<LiveEvent>): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  for await (const event of live) events.push(event);
  return events;
}

export function typesOf(events: readonly LiveEvent[]): string[] {
  return events.map(({ type }) => type);
}
