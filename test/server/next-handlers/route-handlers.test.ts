import type { TranscriptionClient } from 'transcription-client';
import { createRouteHandlers, type HttpOptions, type RouteHandlers } from 'transcription-client/next';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf } from '../../support/client.js';

const JSON_BODY = { 'content-type': 'application/json' };
const ORIGIN = 'https://app.example';
const options: HttpOptions = {
  basePath: '/api/speech',
  authorize: ({ headers }) => (headers.get('cookie') === 'user=ada' ? { userId: 'ada' } : null),
};

let emulator: DeepgramEmulator;
let client: TranscriptionClient;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  client = clientOf(emulator.url);
});

afterAll(async () => {
  await client.close({ timeoutMs: 0 });
  await emulator.close();
});

function ask(path: string, init: RequestInit = {}): Request {
  return new Request(`${ORIGIN}/api/speech${path}`, {
    ...init,
    headers: { cookie: 'user=ada', ...init.headers },
  });
}

function upload(text: string, query = ''): Request {
  return ask(`/transcribe${query}`, {
    method: 'POST',
    headers: { 'content-type': 'audio/wav' },
    body: synthesizeSpeech(text).audio as Uint8Array<ArrayBuffer>,
  });
}

describe('the route handlers', () => {
  it('are those that the App Router calls, each by its method', async () => {
    const handlers = createRouteHandlers(client, options);
    expect(Object.keys(handlers).sort()).toEqual([
      'DELETE',
      'GET',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'POST',
      'PUT',
    ]);
    const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = handlers;
    const answer = await POST(upload('from a page', '?mode=sync'));
    expect(await answer.json()).toMatchObject({ mode: 'sync', transcript: { text: 'from a page' } });
    expect((await GET(ask('/health'))).status).toBe(200);
    const head = await HEAD(ask('/health', { method: 'HEAD' }));
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await OPTIONS(ask('/transcribe', { method: 'OPTIONS' }))).headers.get('allow')).toBe(
      'POST, OPTIONS',
    );
    expect((await DELETE(ask('/jobs/job_1', { method: 'DELETE' }))).status).toBe(404);
    expect((await GET(ask('/jobs/job_1', { headers: { cookie: '' } }))).status).toBe(401);
    expect((await GET(ask('/nothing'))).status).toBe(404);
    // Next's own 405 would tell no Allow.
    for (const [method, handle] of Object.entries({ PUT, PATCH })) {
      const refused = await handle(ask('/transcribe', { method }));
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    }
  });

  it('follow a job to its end', async () => {
    const { GET, POST } = createRouteHandlers(client, options);
    const body = { audioUrl: emulator.serveAudio(synthesizeSpeech('queued').audio), mode: 'async' };
    const taken = await POST(
      ask('/transcribe', { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) }),
    );
    const { jobId, statusUrl, eventsUrl } = (await taken.json()) as Record<string, string>;
    expect(statusUrl).toBe(`/api/speech/jobs/${jobId}`);
    const get = (url: string | undefined) =>
      GET(new Request(ORIGIN + url, { headers: { cookie: 'user=ada' } }));
    expect(await (await get(eventsUrl)).text()).toContain('event: completed');
    const { transcriptUrl } = (await (await get(statusUrl)).json()) as Record<string, string>;
    expect(await (await get(`${transcriptUrl}.txt`)).text()).toContain('queued');
  });
});

describe('a function that makes the client', () => {
  const answersOf = (handlers: RouteHandlers, count: number): Promise<readonly number[]> =>
    Promise.all(Array.from({ length: count }, async () => (await handlers.GET(ask('/health'))).status));

  it('is called by the first request, and never again', async () => {
    let calls = 0;
    const handlers = createRouteHandlers(() => {
      calls += 1;
      return client;
    }, options);
    expect(calls).toBe(0);
    expect(await answersOf(handlers, 3)).toEqual([200, 200, 200]);
    expect(calls).toBe(1);
  });

  it('is called again by the next request where it has failed', async () => {
    let calls = 0;
    const handlers = createRouteHandlers(async () => {
      calls += 1;
      if (calls === 1) throw new Error('The database is not there yet.');
      return client;
    }, options);
    await expect(handlers.GET(ask('/health'))).rejects.toThrow('not there yet');
    expect(await answersOf(handlers, 2)).toEqual([200, 200]);
    expect(calls).toBe(2);
  });

  it('must make a client', async () => {
    const handlers = createRouteHandlers((() => undefined) as never, options);
    await expect(handlers.GET(ask('/health'))).rejects.toThrow(/client/);
  });
});

describe('the options', () => {
  it.each([
    ['none', undefined, /authorize/],
    ['no authorize', { basePath: '/a' }, /authorize/],
    ['an unknown one', { ...options, bathPath: '/a' }, /bathPath/],
    ['a base path that is none', { ...options, basePath: 'api' }, /basePath/],
    ['a base path that no request has', { ...options, basePath: '/a/../b' }, /basePath/],
  ])('are refused at once: %s', (_title, wrong, message) => {
    expect(() => createRouteHandlers(client, wrong as never)).toThrow(message);
    expect(() => createRouteHandlers(() => client, wrong as never)).toThrow(message);
  });
});
