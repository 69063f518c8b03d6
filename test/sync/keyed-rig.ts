import { Readable } from 'node:stream';
import type { ClientEventOf, ClientOptions, TranscriptionClient } from 'transcription-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { clientOf } from '../support/client.js';
import {
  type FaultServer,
  listenAnswer,
  type Reply,
  send,
  startHttpServer,
} from '../support/fault-server.js';

export const AUDIO = new Uint8Array(1000).map((_, index) => index % 251);
export const OTHER = AUDIO.map((byte) => byte + 1);
export const URL_A = 'https://example.com/a.wav';
export const KEY = { idempotencyKey: 'order-17' };
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

/** Reads each request, and answers it when the test says so. */
interface HeldServer extends FaultServer {
  /** What is answered at once; undefined holds the requests. */
  reply: ((count: number) => Reply) | undefined;
  readonly read: number;
  readonly dropped: number;
  answer(reply?: Reply): void;
}

async function startServer(): Promise<HeldServer> {
  const held: ((reply: Reply) => void)[] = [];
  let read = 0;
  let dropped = 0;
  const server = await startHttpServer((request, response, count) => {
    response.on('close', () => {
      if (!response.writableFinished) dropped += 1;
    });
    request.resume().on('end', () => {
      read += 1;
      const reply = held_.reply?.(count);
      if (reply === undefined) held.push((late) => send(response, late));
      else send(response, reply);
    });
  });
  const held_: HeldServer = {
    ...server,
    reply: ok,
    get read() {
      return read;
    },
    get dropped() {
      return dropped;
    },
    answer(reply = ok(server.requests.length)) {
      for (const respond of held.splice(0)) respond(reply);
    },
  };
  return held_;
}

export function ok(count: number): Reply {
  return { status: 200, body: listenAnswer(`answer ${count}`, `req-${count}`) };
}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

/** Of the running test. */
export let server: HeldServer;
const clients: TranscriptionClient[] = [];

export function newClient(options: ClientOptions = {}): TranscriptionClient {
  const client = clientOf(server.url, options);
  clients.push(client);
  return client;
}

export function eventsOf<Type extends 'deduplicated' | 'storage-failure'>(
  client: TranscriptionClient,
  type: Type,
): ClientEventOf<Type>[] {
  const events: ClientEventOf<Type>[] = [];
  client.on(type, ((event: ClientEventOf<Type>) => events.push(event)) as never);
  return events;
}

export async function storedIds(client: TranscriptionClient): Promise<string[]> {
  return (await client.transcripts.list()).items.map(({ id }) => id);
}

export function onceReadable(bytes = AUDIO): Readable {
  return Readable.from([Buffer.from(bytes.subarray(0, 400)), Buffer.from(bytes.subarray(400))]);
}

/** A server for each test; afterwards all is closed, and no rejection was left unhandled. */
export function keyedRigs(): void {
  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    // The first call loads the SDK, which takes its time.
    server = await startServer();
    await using client = clientOf(server.url);
    await client.transcribe(AUDIO);
    await server[Symbol.asyncDispose]();
  });

  afterAll(() => {
    process.off('unhandledRejection', onUnhandled);
  });

  beforeEach(async () => {
    server = await startServer();
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close({ timeoutMs: 0 })));
    await server[Symbol.asyncDispose]();
    await new Promise(setImmediate);
    expect(unhandled.splice(0).map(String)).toEqual([]);
  });
}
