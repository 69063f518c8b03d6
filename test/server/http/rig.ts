import { type ClientOptions, TranscriptionClient } from 'transcription-client';
import {
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import {
  createHandlers,
  type HttpHandlers,
  type HttpOptions,
  type Principal,
} from '../../../src/server/http/index.js';
import type { Problem } from '../../../src/server/http/problem.js';

/** The API of a real client on the emulator, with users `ada` and `ben`. */
export interface HttpRig extends AsyncDisposable {
  readonly emulator: DeepgramEmulator;
  readonly client: TranscriptionClient;
  readonly handlers: HttpHandlers;
  /** A request of ada's, unless its headers say otherwise. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** `POST /transcribe` with a JSON body. */
  post(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** `POST /transcribe` with the audio as the body. `query` begins with a question mark, or is empty. */
  upload(audio: BodyInit, query?: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

export interface HttpRigOptions {
  readonly http?: Partial<HttpOptions>;
  readonly client?: ClientOptions;
  readonly emulator?: DeepgramEmulatorOptions;
}

export const API_KEY = 'secret-key-of-the-server';
export const ORIGIN = 'http://api.test';

/** A user's name is their token; `ada:read,stream` has those scopes only. `admin` may do everything. */
export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

export function authorizeByBearer(request: Request): Principal | null {
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  const [userId = '', scopes] = (token ?? '').split(':');
  if (!['ada', 'ben', 'admin'].includes(userId)) return null;
  if (userId === 'admin') return { userId };
  return { userId, scopes: scopes?.split(',') ?? ['transcribe', 'read', 'stream'] };
}

export async function startHttpRig(options: HttpRigOptions = {}): Promise<HttpRig> {
  const emulator = await startDeepgramEmulator(options.emulator);
  const client = new TranscriptionClient({
    apiKey: API_KEY,
    regions: [{ name: 'here', endpoint: emulator.url }],
    retry: { minDelayMs: 1, maxDelayMs: 20 },
    ...options.client,
  });
  const handlers = createHandlers(client, { authorize: authorizeByBearer, ...options.http });
  const basePath = options.http?.basePath ?? '';
  const send: HttpRig['fetch'] = (path, init = {}) => {
    const headers = new Headers({ ...bearer('ada'), ...Object.fromEntries(new Headers(init.headers)) });
    const duplex = init.body instanceof ReadableStream ? { duplex: 'half' } : {};
    return handlers.fetch(new Request(`${ORIGIN}${basePath}${path}`, { ...init, ...duplex, headers }));
  };
  return {
    emulator,
    client,
    handlers,
    fetch: send,
    post: (body, headers = {}) =>
      send('/transcribe', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    upload: (audio, query = '', headers = {}) =>
      send(`/transcribe${query}`, {
        method: 'POST',
        headers: { 'content-type': 'audio/wav', ...headers },
        body: audio,
      }),
    async [Symbol.asyncDispose]() {
      await client.close({ timeoutMs: 0 });
      await emulator.close();
    },
  };
}

/** A WAV in which the emulator hears the text. */
export function wavOf(text: string): Uint8Array<ArrayBuffer> {
  return synthesizeSpeech(text).audio;
}

export async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`The answer ${response.status} is no problem: ${(await response.text()).slice(0, 200)}`);
  }
  return (await response.json()) as Problem;
}
