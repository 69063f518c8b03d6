import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  type CallbackOptions,
  type CallbackResult,
  type ClientEvent,
  type ClientEventOf,
  type ClientOptions,
  createMemoryStorage,
  type Job,
  type StorageAdapter,
  TranscriptionClient,
} from 'transcription-client';
import {
  type DeepgramEmulator,
  type ReceivedRequest,
  startDeepgramEmulator,
} from 'transcription-client/testing';
import { expect, vi } from 'vitest';
import { startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

export const SECRET = 'CANARY-secret-of-the-callbacks';
/** How long the emulator works on a recording, on its own clock. */
export const PROCESSING_MS = 1000;
export const REDELIVERY_MS = 30_000;

/** Loading the SDK takes its time on a busy machine. */
export function eventually<Value>(check: () => Value | Promise<Value>): Promise<Value> {
  return vi.waitFor(check, { timeout: 10_000 });
}

/** One callback that came to the route. */
export interface Arrival {
  readonly body: string;
  /** What the client said to it, or rejected with. */
  readonly result: CallbackResult | Error;
}

export interface RigOptions {
  readonly client?: ClientOptions;
  readonly callback?: Partial<CallbackOptions>;
  readonly storage?: StorageAdapter;
  /** In place of the emulator's. */
  readonly endpoint?: string;
  readonly processingMs?: number;
  /** The status of the answer, in place of what the client said. */
  readonly answer?: (arrival: Arrival, count: number) => number | undefined;
}

export interface CallbackRig extends AsyncDisposable {
  readonly emulator: DeepgramEmulator;
  /** Of the emulator. */
  readonly deepgramClock: ManualClock;
  /** Of the clients. */
  readonly clock: ManualClock;
  readonly storage: StorageAdapter;
  readonly callbackUrl: string;
  readonly client: TranscriptionClient;
  /** The transcriptions that were asked for, without the downloads of audio. */
  readonly submissions: readonly ReceivedRequest[];
  readonly events: readonly ClientEvent[];
  readonly arrivals: readonly Arrival[];
  /** Another client on the same storage. */
  connect(options?: ClientOptions): TranscriptionClient;
  /** Callbacks go to this client from now on. */
  routeTo(client: TranscriptionClient): void;
  data(jobId: string): Promise<Record<string, unknown>>;
  /** Resolves when the job waits for the callback of so many attempts. */
  waits(job: Job, attempts?: number): Promise<void>;
  /** Resolves to the callback with this number, from 1. */
  arrival(count: number): Promise<Arrival>;
  eventsOf<Type extends ClientEvent['type']>(type: Type): ClientEventOf<Type>[];
}

/** A client, the emulator, and a real server at which the emulator's callbacks arrive. */
export async function startCallbackRig(options: RigOptions = {}): Promise<CallbackRig> {
  const deepgramClock = new ManualClock();
  const clock = new ManualClock();
  const storage = options.storage ?? createMemoryStorage();
  const emulator = await startDeepgramEmulator({
    clock: deepgramClock,
    processingMs: options.processingMs ?? PROCESSING_MS,
  });
  const arrivals: Arrival[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const result = await handler.handleCallback({ body }).catch((error: Error) => error);
    const arrival = { body, result };
    arrivals.push(arrival);
    const said = result instanceof Error ? 503 : result.httpStatus;
    response.writeHead(options.answer?.(arrival, arrivals.length) ?? said).end();
  };
  const route = await startHttpServer((request, response) => void handle(request, response));
  const callbackUrl = `${route.url}/callback?from=deepgram`;
  const clients: TranscriptionClient[] = [];
  const connect = (more: ClientOptions = {}): TranscriptionClient => {
    const client = new TranscriptionClient({
      apiKey: 'test-key',
      regions: [{ name: 'here', endpoint: options.endpoint ?? emulator.url }],
      storage,
      clock,
      callback: { url: callbackUrl, secret: SECRET, timeoutMs: 60_000, ...options.callback },
      ...options.client,
      ...more,
    });
    clients.push(client);
    return client;
  };
  const events: ClientEvent[] = [];
  const client = connect({ metrics: [{ onEvent: (event) => void events.push(event) }] });
  let handler = client;
  const data = async (jobId: string): Promise<Record<string, unknown>> =>
    (await storage.get('jobs', jobId))?.data as Record<string, unknown>;
  return {
    emulator,
    deepgramClock,
    clock,
    storage,
    callbackUrl,
    client,
    get submissions() {
      return emulator.requests.filter(({ path }) => path === '/v1/listen');
    },
    events,
    arrivals,
    connect,
    routeTo(next) {
      handler = next;
    },
    data,
    waits: ({ id }, attempts = 1) =>
      eventually(async () => {
        expect(await data(id)).toMatchObject({ state: 'active', submittedAt: expect.any(String), attempts });
      }),
    arrival: (count) =>
      eventually(() => {
        const arrival = arrivals[count - 1];
        if (arrival === undefined) throw new Error(`callback ${count} has not arrived`);
        return arrival;
      }),
    eventsOf: <Type extends ClientEvent['type']>(type: Type) =>
      events.filter((event): event is ClientEventOf<Type> => event.type === type),
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((each) => each.close({ timeoutMs: 0 })));
      await emulator.close();
      await route[Symbol.asyncDispose]();
    },
  };
}

/** The secret that a request to Deepgram has with it. */
export function secretIn(url = ''): string {
  const extra = new URL(url, 'http://localhost').searchParams.getAll('extra');
  const pair = extra.find((each) => each.startsWith('callback_secret:')) ?? '';
  return pair.slice('callback_secret:'.length);
}

/** That of one of the submissions that the emulator got. */
export function sentSecret(rig: CallbackRig, index = 0): string {
  return secretIn(`?${rig.submissions[index]?.query ?? ''}`);
}

/** A result as Deepgram brings it. */
export function resultOf(
  secret: string | undefined,
  requestId: string,
  words = 'taken from the callback',
): object {
  return {
    metadata: {
      request_id: requestId,
      duration: 12.5,
      channels: 1,
      created: '2026-01-01T00:00:00.000Z',
      ...(secret === undefined ? {} : { extra: { callback_secret: secret } }),
    },
    results: { channels: [{ alternatives: [{ transcript: words, confidence: 1, words: [] }] }] },
  };
}
