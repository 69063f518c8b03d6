import { requireKeys, requireText } from './check-options.js';
import { type Api, type ApiRequest, createApi } from './emulator/api.js';
import { type DeepgramEmulatorOptions, resolveOptions } from './emulator/options.js';

const KEYS = ['recognizer', 'language', 'apiKeys', 'models', 'processingMs', 'baseUrl', 'audio'] as const;

/** What `http.post` of msw 2 calls. */
export type MswResolver<Reply> = (info: { request: Request }) => Promise<Reply>;

/** The parts of msw 2 that are used. Hand in `http` and `HttpResponse` from `msw`. */
export interface MswLike<Handler, Reply> {
  readonly http: { post(path: string, resolver: MswResolver<Reply>): Handler };
  readonly HttpResponse: {
    json(body: object, init: { status: number; headers: Record<string, string> }): Reply;
  };
}

export interface DeepgramHandlerOptions
  extends Pick<DeepgramEmulatorOptions, 'recognizer' | 'language' | 'apiKeys' | 'models' | 'processingMs'> {
  /** Default `https://api.deepgram.com`. `*` matches every host. */
  readonly baseUrl?: string;
  /** What a `{ url }` body finds: audio by URL. Any other URL is answered with REMOTE_CONTENT_ERROR. */
  readonly audio?: Readonly<Record<string, Uint8Array>>;
}

/**
 * Request handlers for msw 2 that answer `POST /v1/listen` and `POST /v1/auth/grant` as the emulator does.
 *
 * ```ts
 * const server = setupServer(...deepgramHandlers({ http, HttpResponse }));
 * ```
 */
export function deepgramHandlers<Handler, Reply>(
  msw: MswLike<Handler, Reply>,
  options: DeepgramHandlerOptions = {},
): Handler[] {
  requireKeys('the options of deepgramHandlers()', options, KEYS);
  const { baseUrl = 'https://api.deepgram.com', audio = {}, ...rest } = options;
  requireText('baseUrl', baseUrl);
  const api = createApi({
    ...resolveOptions(rest),
    fetchAudio: (url) => {
      const bytes = Object.hasOwn(audio, url) ? audio[url] : undefined;
      return bytes ? Promise.resolve(bytes) : Promise.reject(new Error(`no audio was given for ${url}`));
    },
  });
  return ['/v1/listen', '/v1/auth/grant'].map((path) =>
    msw.http.post(`${baseUrl.replace(/\/+$/, '')}${path}`, async ({ request }) =>
      reply(msw, api, await readRequest(request, path)),
    ),
  );
}

async function readRequest(request: Request, path: string): Promise<ApiRequest> {
  return {
    method: request.method,
    path,
    query: new URL(request.url).searchParams,
    authorization: request.headers.get('authorization') ?? undefined,
    contentType: request.headers.get('content-type') ?? undefined,
    body: new Uint8Array(await request.arrayBuffer()),
    signal: request.signal,
  };
}

async function reply<Handler, Reply>(
  { HttpResponse }: MswLike<Handler, Reply>,
  api: Api,
  request: ApiRequest,
): Promise<Reply> {
  const answer = await api.handle(request);
  return HttpResponse.json(answer.body, { status: answer.status, headers: { ...answer.headers } });
}
