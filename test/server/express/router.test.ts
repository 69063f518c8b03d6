import { once } from 'node:events';
import { request as requestOf } from 'node:http';
import type { Response as Answer, Request as Asked, NextFunction } from 'express';
import { createRouter, type RouterOptions } from 'transcription-client/express';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import {
  authorizeByToken,
  type ExpressRig,
  loadExpress,
  type Mounting,
  recordingUrl,
  startExpressRig,
} from './express-rig.js';

const JSON_BODY = { 'content-type': 'application/json' };

const versions = {
  'Express 5': await loadExpress(5),
  'Express 4': await loadExpress(4),
};

describe.each(Object.entries(versions))('%s', (_name, loaded) => {
  const test = it.skipIf(loaded === undefined);
  let rig: ExpressRig | undefined;

  async function start(mount?: (mounting: Mounting) => void): Promise<ExpressRig> {
    if (loaded === undefined) throw new Error('It is not installed.');
    rig = await startExpressRig(loaded.create, mount);
    return rig;
  }

  afterEach(async () => {
    await rig?.[Symbol.asyncDispose]();
    rig = undefined;
  });
  afterAll(() => loaded?.dispose());

  test('transcribes a URL, and the audio itself, at once', async () => {
    const { emulator, fetch } = await start();
    const body = JSON.stringify({ audioUrl: recordingUrl(emulator, 'hello there'), mode: 'sync' });
    const named = await fetch('/api/speech/transcribe', { method: 'POST', headers: JSON_BODY, body });
    expect(named.status).toBe(200);
    expect(await named.json()).toMatchObject({ mode: 'sync', transcript: { text: 'hello there' } });
    const { audio } = synthesizeSpeech('sent as it is');
    const sent = await fetch('/api/speech/transcribe?mode=sync', {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: audio as Uint8Array<ArrayBuffer>,
    });
    expect(await sent.json()).toMatchObject({ transcript: { text: 'sent as it is' } });
  });

  test('takes a job, tells of it as it happens, and hands out its transcript', async () => {
    const { emulator, fetch } = await start();
    const body = JSON.stringify({ audioUrl: recordingUrl(emulator, 'later on'), mode: 'async' });
    const taken = await fetch('/api/speech/transcribe', { method: 'POST', headers: JSON_BODY, body });
    expect(taken.status).toBe(202);
    const { jobId, statusUrl, eventsUrl } = (await taken.json()) as Record<string, string>;
    expect(statusUrl).toBe(`/api/speech/jobs/${jobId}`);
    expect(taken.headers.get('location')).toBe(statusUrl);
    const events = await fetch(eventsUrl ?? '');
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(await events.text()).toContain('event: completed');
    const status = (await (await fetch(statusUrl ?? '')).json()) as Record<string, string>;
    const transcript = await fetch(`${status.transcriptUrl}.txt`);
    expect(await transcript.text()).toContain('later on');
    const etag = transcript.headers.get('etag') ?? '';
    const again = await fetch(`${status.transcriptUrl}.txt`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect((await fetch(statusUrl ?? '', { headers: { authorization: 'Bearer ben' } })).status).toBe(404);
  });

  test('leaves what is none of its paths to others', async () => {
    const { fetch } = await start(({ app, router }) => {
      app.use('/api/speech', router());
      app.get('/api/speech/other', (_request, response) => void response.send('somebody else'));
    });
    expect(await (await fetch('/api/speech/other')).text()).toBe('somebody else');
    expect(await (await fetch('/api/speech')).text()).toContain('Cannot GET');
    expect((await fetch('/transcribe', { method: 'POST' })).status).toBe(404);
  });

  test('answers HEAD, OPTIONS, a wrong method, and nobody', async () => {
    const { url, fetch: ask } = await start();
    const head = await ask('/api/speech/health', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await ask('/api/speech/transcribe', { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
    const put = await ask('/api/speech/transcribe', { method: 'PUT', body: 'x' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    const nobody = await fetch(`${url}/api/speech/jobs/job_1`);
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('content-type')).toBe('application/problem+json');
    expect(nobody.headers.get('x-request-id')).toMatch(/^req_/);
  });

  test('knows where it is mounted, also below another router and in capitals', async () => {
    const { client, emulator, fetch } = await start(({ app, express, router }) => {
      const inner = express.Router();
      inner.use('/speech', router());
      app.use('/v1/:tenant', inner);
    });
    const job = await client.enqueue(recordingUrl(emulator, 'deep down'), { userId: 'ada' });
    await job.result();
    for (const place of ['/v1/acme/speech', '/V1/other/Speech']) {
      const document = (await (await fetch(`${place}/openapi.json`)).json()) as { servers: unknown };
      expect(document.servers).toEqual([{ url: place }]);
      const status = (await (await fetch(`${place}/jobs/${job.id}`)).json()) as Record<string, string>;
      expect(status.transcriptUrl).toMatch(new RegExp(`^${place}/transcripts/`));
      expect((await fetch(status.transcriptUrl ?? '')).status).toBe(200);
    }
  });

  test('takes what body parsers have read', async () => {
    const { emulator, fetch } = await start(({ app, express, router }) => {
      app.use(
        express.json(),
        express.raw({ type: 'audio/*', limit: '1mb' }),
        express.urlencoded({ extended: false }),
      );
      app.use('/api/speech', router());
    });
    const body = JSON.stringify({ audioUrl: recordingUrl(emulator, 'already read'), mode: 'sync' });
    const named = await fetch('/api/speech/transcribe', { method: 'POST', headers: JSON_BODY, body });
    expect(await named.json()).toMatchObject({ transcript: { text: 'already read' } });
    const sent = await fetch('/api/speech/transcribe?mode=sync', {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: synthesizeSpeech('as bytes').audio as Uint8Array<ArrayBuffer>,
    });
    expect(await sent.json()).toMatchObject({ transcript: { text: 'as bytes' } });
    const polluted = await fetch('/api/speech/transcribe', {
      method: 'POST',
      headers: JSON_BODY,
      body: '{"audioUrl":"https://a.example/b.wav","__proto__":{"polluted":true}}',
    });
    expect(polluted.status).toBe(400);
    const deep = await fetch('/api/speech/transcribe', {
      method: 'POST',
      headers: JSON_BODY,
      body: `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    });
    expect([deep.status, deep.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    const form = await fetch('/api/speech/transcribe', {
      method: 'POST',
      body: new URLSearchParams({ audioUrl: 'https://a.example/b.wav' }),
    });
    expect(form.status).toBe(415);
  });

  test('asks authorize with the request of both kinds', async () => {
    const authorize = vi.fn<RouterOptions['authorize']>((request, { session }) => {
      return request.headers.get('cookie') === 'a=b' ? session : null;
    });
    const { client, emulator, url } = await start(({ app, router }) => {
      app.use((request: Asked, _response: Answer, next: NextFunction) => {
        Object.assign(request, { session: { userId: 'eve' } });
        next();
      });
      app.use('/api/speech', router({ authorize }));
    });
    const job = await client.enqueue(recordingUrl(emulator, 'for eve'), { userId: 'eve' });
    const answer = await fetch(`${url}/api/speech/jobs/${job.id}`, { headers: { cookie: 'a=b' } });
    expect(answer.status).toBe(200);
    expect((await fetch(`${url}/api/speech/jobs/${job.id}`)).status).toBe(401);
  });

  test.each([
    ['believes no proxy that it was not told of', false, undefined],
    ['believes a proxy that it was told of', true, 'https://public.example:8443'],
  ])('%s', async (_title, trusted, expected) => {
    const seen: string[] = [];
    const authorize: RouterOptions['authorize'] = (request) => {
      seen.push(request.url);
      return null;
    };
    const { port, url } = await start(({ app, router }) => {
      app.set('trust proxy', trusted);
      app.use('/api/speech', router({ authorize }));
    });
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'public.example:8443' };
    await fetch(`${url}/api/speech/jobs/a%2Fb?c=d`, { headers });
    expect(seen).toEqual([`${expected ?? `http://127.0.0.1:${port}`}/api/speech/jobs/a%2Fb?c=d`]);
  });

  test('counts the requests of one user wherever it is mounted', async () => {
    const { fetch } = await start(({ app, router }) => {
      const once = router({ limits: { requestsPerMinute: 2 } });
      app.use('/one', once);
      app.use('/two', once);
    });
    const statuses = [];
    for (const place of ['/one', '/two', '/one']) statuses.push((await fetch(`${place}/jobs/job_1`)).status);
    expect(statuses).toEqual([404, 404, 429]);
  });

  test('adds to the headers that others have set', async () => {
    const { fetch } = await start(({ app, router }) => {
      app.use((_request: Asked, response: Answer, next: NextFunction) => {
        response.setHeader('vary', 'accept-encoding');
        response.setHeader('x-frame-options', 'DENY');
        next();
      });
      app.use('/api/speech', router({ cors: { origins: ['https://app.example'] } }));
    });
    const { headers } = await fetch('/api/speech/health', { headers: { origin: 'https://app.example' } });
    expect(headers.get('vary')).toBe('accept-encoding, origin');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
  });

  test('counts the bytes of an upload whose length nobody told', async () => {
    const { port } = await start(({ app, router }) => {
      app.use('/api/speech', router({ limits: { maxAudioBytes: 100_000 } }));
    });
    const upload = requestOf({
      port,
      method: 'POST',
      path: '/api/speech/transcribe?mode=sync',
      headers: { authorization: 'Bearer ada', 'content-type': 'audio/wav' },
    });
    upload.on('error', () => undefined);
    const [answer] = await Promise.all([
      once(upload, 'response').then(([message]) => message),
      new Promise<void>((resolve) => upload.write(Buffer.alloc(200_000), () => resolve())),
    ]);
    expect(answer.statusCode).toBe(413);
    expect(answer.headers.connection).toBe('close');
    expect(JSON.parse((await answer.toArray()).join(''))).toMatchObject({ code: 'payload_too_large' });
    upload.destroy();
  });

  test('ends the request to Deepgram where nobody waits for the answer', async () => {
    const { client, emulator, fetch } = await start();
    emulator.faults.next('noHeaders');
    const ended = new Promise<string>((resolve) =>
      client.once('request-end', ({ status }) => resolve(status)),
    );
    const body = JSON.stringify({ audioUrl: recordingUrl(emulator, 'never heard'), mode: 'sync' });
    const aborter = new AbortController();
    const asked = fetch('/api/speech/transcribe', {
      method: 'POST',
      headers: JSON_BODY,
      body,
      signal: aborter.signal,
    });
    await vi.waitFor(() => expect(emulator.requests.length).toBeGreaterThan(0));
    aborter.abort();
    await expect(asked).rejects.toThrow();
    expect(await ended).toBe('cancelled');
  });
});

describe('the options', () => {
  const client = { submit: () => 0, handleCallback: () => 0, health: () => 0 } as never;

  it.each([
    ['no options', undefined, /authorize/],
    ['no authorize', {}, /authorize/],
    ['a base path', { authorize: authorizeByToken, basePath: '/a' }, /basePath .*app\.use/],
    ['an unknown one', { authorize: authorizeByToken, bathPath: '/a' }, /bathPath/],
  ])('are refused with %s', (_title, options, message) => {
    expect(() => createRouter(client, options as never)).toThrow(message);
  });

  it('are refused without a client', () => {
    expect(() => createRouter({} as never, { authorize: authorizeByToken })).toThrow(/client/);
  });
});
