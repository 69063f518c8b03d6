import { BadRequestError } from 'transcription-client';
import { createHttpClient, HttpClientError, type HttpClientOptions } from 'transcription-client/http-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FaultServer, refusedUrl, send, startHttpServer } from '../../support/fault-server.js';
import { API_KEY, authorizeByBearer, type HttpRig, startHttpRig, wavOf } from '../http/rig.js';
import { startHost } from './host.js';

const failure = (promise: Promise<unknown>): Promise<HttpClientError> =>
  promise.then(
    () => {
      throw new Error('It was expected to reject.');
    },
    (error) => {
      if (!HttpClientError.isInstance(error)) throw error;
      return error;
    },
  );

describe('the HTTP client on the handlers', () => {
  let rig: HttpRig;
  let host: FaultServer;
  /** What the client has sent and got, headers and bodies. */
  const wire: string[] = [];

  const watched: HttpClientOptions['fetch'] = async (url, init) => {
    const response = await fetch(url, init);
    wire.push(JSON.stringify([url, init.headers, [...response.headers]]), await response.clone().text());
    return response;
  };
  const clientOf = (token: string, options: Partial<HttpClientOptions> = {}) =>
    createHttpClient({ baseUrl: `${host.url}/api/speech/`, token, ...options });

  beforeAll(async () => {
    rig = await startHttpRig({
      http: {
        authorize: authorizeByBearer,
        basePath: '/api/speech',
        token: {},
        stream: {
          url: 'wss://app.test/stream',
          tokens: { issue: async ({ userId }) => ({ token: `short-${userId}`, expiresInSeconds: 60 }) },
        },
      },
    });
    host = await startHost(rig.handlers.fetch);
  });

  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
  });

  it.each([
    ['a URL', () => ({ audioUrl: rig.emulator.serveAudio(wavOf('one two three')) })],
    ['bytes', () => wavOf('one two three')],
    ['a buffer', () => wavOf('one two three').buffer],
    ['a blob', () => new Blob([wavOf('one two three')], { type: 'audio/wav' })],
    ['a stream', () => new Blob([wavOf('one two three')]).stream()],
  ])('transcribes %s', async (_what, source) => {
    const answer = await clientOf('ada').transcribe(source() as Blob);
    if (answer.mode !== 'sync') throw new Error(answer.mode);
    expect(answer.transcript.text).toBe('one two three');
    expect(answer.decision.rule).toEqual(expect.any(String));
  });

  it('sends a file as audio, also one that says to be JSON', async () => {
    for (const type of ['application/json', 'application/ogg', 'Application/ld+json']) {
      const answer = await clientOf('ada').transcribe(new Blob([wavOf('one two')], { type }));
      if (answer.mode !== 'sync') throw new Error(answer.mode);
      expect(answer.transcript.text).toBe('one two');
    }
    const text = new Blob(['{}'], { type: 'text/plain' });
    expect(await failure(clientOf('ada').transcribe(text))).toMatchObject({ status: 415 });
  });

  it('sends the options of an upload', async () => {
    const submit = vi.spyOn(rig.client, 'submit');
    await clientOf('ada').transcribe(wavOf('hello'), {
      contentType: 'audio/wav',
      mode: 'sync',
      audioDuration: 1.5,
      priority: 2,
      idempotencyKey: ' ключ 鍵 ',
      metadata: { order: 7, name: 'größe&' },
      options: { language: 'en', smart_format: true, utt_split: 0.5 },
    });
    expect(submit).toHaveBeenCalledOnce();
    expect(submit.mock.calls[0]?.[1]).toMatchObject({
      userId: 'ada',
      mode: 'sync',
      durationSeconds: 1.5,
      priority: 2,
      idempotencyKey: ' ключ 鍵 ',
      metadata: { order: 7, name: 'größe&' },
      language: 'en',
      smart_format: true,
      utt_split: 0.5,
    });
    submit.mockRestore();
  });

  it('follows a job to its transcript, in every form', async () => {
    const speech = clientOf('ada');
    const audioUrl = rig.emulator.serveAudio(wavOf('one two three'));
    const answer = await speech.transcribe({ audioUrl, mode: 'async' });
    if (answer.mode !== 'async') throw new Error(answer.mode);
    const types: string[] = [];
    for await (const { type } of speech.jobEvents(answer.jobId)) types.push(type);
    expect(types.at(-1)).toBe('completed');
    const job = await speech.waitForJob(answer.jobId);
    if (job.state !== 'completed') throw new Error(job.state);
    expect(await speech.job(answer.jobId)).toEqual(job);
    expect(await speech.transcript(job.transcriptId)).toMatchObject({ text: 'one two three', userId: 'ada' });
    expect(await speech.transcriptText(job.transcriptId, 'txt')).toContain('one two three');
    expect(await speech.transcriptText(job.transcriptId, 'srt')).toMatch(/^1\n00:00:00,/);
    expect(await speech.transcriptText(job.transcriptId, 'vtt')).toMatch(/^WEBVTT/);
  });

  it('cancels a job', async () => {
    const speech = clientOf('ada');
    const { id } = await rig.client.enqueue(wavOf('later'), { userId: 'ada', delayMs: 600_000 });
    const following = speech.waitForJob(id);
    expect(await speech.cancelJob(id)).toMatchObject({ id, state: 'cancelled' });
    expect(await following).toMatchObject({ state: 'cancelled' });
    expect(await failure(speech.cancelJob(id))).toMatchObject({ status: 409, code: 'job_state' });
  });

  it('gets tokens, an offer and the health', async () => {
    const speech = clientOf('ada');
    expect(await speech.streamOffer()).toMatchObject({
      mode: 'stream',
      url: 'wss://app.test/stream',
      token: 'short-ada',
    });
    expect(await speech.token()).toEqual({ token: expect.any(String), expiresInSeconds: expect.any(Number) });
    expect(await speech.health()).toMatchObject({ status: expect.stringMatching(/^(ok|degraded)$/) });
  });

  it('tells what is wrong, with the fields and the id of the request', async () => {
    const speech = clientOf('ada', { headers: { 'x-request-id': 'mine-1' } });
    const options = { smart_format: 'yes' } as never;
    const wrong = await failure(speech.transcribe({ audioUrl: 'https://audio.test/a.wav', options }));
    expect(wrong).toMatchObject({ name: 'HttpClientError', status: 400, requestId: 'mine-1' });
    expect(wrong.errors.map(({ field }) => field)).toEqual(['options.smart_format']);
    const foreign = await rig.client.enqueue(wavOf('not yours'), { userId: 'ben', delayMs: 600_000 });
    expect(await failure(speech.job(foreign.id))).toMatchObject({ status: 404 });
    expect(await failure(speech.waitForJob(foreign.id))).toMatchObject({ status: 404 });
    expect(await failure(speech.transcript('a/../../b'))).toMatchObject({ status: 404 });
    expect(await failure(clientOf('nobody').job('x'))).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(await failure(clientOf('ada:read').transcribe({ audioUrl: 'https://a.test/' }))).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
  });

  it('never sees the API key of the server', async () => {
    const speech = clientOf('ada', { fetch: watched });
    await speech.token();
    await speech.streamOffer();
    await speech.health();
    await speech.transcribe(wavOf('hello'), { mode: 'sync' });
    await failure(speech.transcribe(wavOf(''), { contentType: 'text/plain' }));
    expect(wire).toHaveLength(10);
    expect(wire.join('\n')).not.toContain(API_KEY);
    expect(wire.join('\n')).not.toContain(Buffer.from(API_KEY).toString('base64'));
  });

  it('ends an upload with its signal, and what it has begun', async () => {
    const controller = new AbortController();
    const endless = new ReadableStream<Uint8Array>({
      async pull(stream) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        stream.enqueue(new Uint8Array(1000));
      },
    });
    const { signal } = controller;
    const calling = failure(
      clientOf('ada').transcribe(endless, { contentType: 'audio/wav', mode: 'sync', signal }),
    );
    await vi.waitFor(() => expect(rig.emulator.journal.inFlight).toBeGreaterThan(0), { timeout: 10_000 });
    controller.abort();
    expect(await calling).toMatchObject({ code: 'aborted', cause: signal.reason, status: undefined });
    await vi.waitFor(() => expect(rig.emulator.journal.inFlight).toBe(0), { timeout: 10_000 });
  });
});

describe('the HTTP client', () => {
  it('takes a controller where its signal will do', async () => {
    await using server = await startHttpServer((_request, response) =>
      send(response, { status: 200, body: '{"id":"job_1","state":"queued"}' }),
    );
    const speech = createHttpClient({ baseUrl: server.url });
    const controller = new AbortController();
    expect(await speech.job('job_1', controller)).toMatchObject({ id: 'job_1' });
    controller.abort();
    expect(await failure(speech.job('job_1', controller))).toMatchObject({ code: 'aborted' });
  });

  it('asks for its token before each request', async () => {
    const seen: (string | undefined)[] = [];
    await using server = await startHttpServer(({ headers }, response) => {
      seen.push(headers.authorization);
      send(response, { status: 200, body: '{"id":"job_1","state":"queued"}' });
    });
    let count = 0;
    const speech = createHttpClient({ baseUrl: new URL(server.url), token: async () => `t${++count}` });
    await speech.job('job_1');
    await speech.job('job_1');
    expect(seen).toEqual(['Bearer t1', 'Bearer t2']);
    await createHttpClient({ baseUrl: server.url }).job('job_1');
    expect(seen[2]).toBeUndefined();
    const headers = { Authorization: 'Bearer old' };
    await createHttpClient({ baseUrl: server.url, headers }).job('job_1');
    await createHttpClient({ baseUrl: server.url, headers, token: 'new' }).job('job_1');
    expect(seen.slice(3)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('lets its signal end the wait for a token', async () => {
    const speech = createHttpClient({ baseUrl: 'http://127.0.0.1:1', token: () => new Promise(() => {}) });
    const leaving = new AbortController();
    const calls = [
      speech.job('x', { signal: leaving.signal }),
      speech.waitForJob('x', { signal: leaving.signal }),
      speech.transcribe(new Uint8Array(8), { signal: leaving.signal }),
    ].map(failure);
    leaving.abort('left');
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: 'aborted', cause: 'left' });
    }
  });

  it('says where no token, no answer or none of this API was to be had', async () => {
    const lost = new Error('logged out');
    const noToken = createHttpClient({ baseUrl: 'http://127.0.0.1:1', token: () => Promise.reject(lost) });
    expect(await failure(noToken.job('x'))).toMatchObject({ code: 'token_failed', cause: lost });
    const nobody = createHttpClient({ baseUrl: await refusedUrl() });
    expect(await failure(nobody.job('x'))).toMatchObject({ code: 'network', status: undefined });
    await using html = await startHttpServer((_request, response) =>
      send(response, { status: 200, body: '<p>' }),
    );
    expect(await failure(createHttpClient({ baseUrl: html.url }).job('x'))).toMatchObject({
      code: 'invalid_response',
      status: 200,
    });
    await using cut = await startHttpServer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"id"', () => response.destroy());
    });
    expect(await failure(createHttpClient({ baseUrl: cut.url }).job('x'))).toMatchObject({ code: 'network' });
  });

  it.each([
    ['a proxy', '<html>502</html>', { code: 'http_error', errors: [] }],
    ['nothing', '', { code: 'http_error', errors: [] }],
    ['something else', '[1]', { code: 'http_error' }],
    [
      'a proxy that speaks problem+json',
      '{"type":"about:blank","title":"No","status":503}',
      { code: 'http_error' },
    ],
    ['a closing server', '{"status":503,"code":"client_closed","detail":"x"}', { code: 'client_closed' }],
    [
      'wrong fields',
      '{"code":"full","errors":[1,null,{"field":"a"},{"field":"b","message":"c"}]}',
      {
        code: 'full',
        errors: [{ field: 'b', message: 'c' }],
      },
    ],
    ['errors of another kind', '{"code":"full","errors":"x","detail":7}', { code: 'full', errors: [] }],
  ])('takes an error of %s as it is', async (_what, body, expected) => {
    await using server = await startHttpServer((_request, response) => {
      send(response, { status: 503, headers: { 'retry-after': '7', 'x-request-id': 'r1' }, body });
    });
    const error = await failure(createHttpClient({ baseUrl: server.url }).job('x'));
    expect(error).toMatchObject({ status: 503, requestId: 'r1', retryAfterMs: 7000, ...expected });
    expect(error.message).not.toBe('');
    const health = await failure(createHttpClient({ baseUrl: server.url }).health());
    expect(health.status).toBe(503);
  });

  it('takes the health of a server that is down as an answer', async () => {
    const body = '{"status":"down","problems":[]}';
    await using server = await startHttpServer((_request, response) => {
      send(response, { status: 503, headers: { 'content-type': 'application/json' }, body });
    });
    expect(await createHttpClient({ baseUrl: server.url }).health()).toEqual(JSON.parse(body));
  });

  it.each([
    '{}',
    '[]',
    'null',
    '7',
    '"x"',
    '{"mode":"sync"}',
    '{"status":"down?"}',
    '{"id":"","state":7,"token":"t"}',
  ])('takes %s for no answer', async (body) => {
    await using server = await startHttpServer((_request, response) => send(response, { status: 200, body }));
    const speech = createHttpClient({ baseUrl: server.url });
    for (const call of [
      () => speech.transcribe({ audioUrl: 'https://a.test/' }),
      () => speech.transcribe(new Uint8Array(1)),
      () => speech.streamOffer(),
      () => speech.job('x'),
      () => speech.cancelJob('x'),
      () => speech.transcript('x'),
      () => speech.token(),
      () => speech.health(),
    ]) {
      expect(await failure(call())).toMatchObject({ code: 'invalid_response', status: 200 });
    }
  });

  it.each([
    '{"mode":"sync","transcript":{"id":"tr_1"}}',
    '{"mode":"sync","transcript":"text"}',
    '{"mode":"async"}',
    '{"mode":"stream","url":"wss://a.test"}',
    '{"mode":"later","jobId":"job_1"}',
  ])('takes %s for no answer to transcribe()', async (body) => {
    const speech = createHttpClient({ baseUrl: '/api', fetch: async () => new Response(body) });
    const answer = speech.transcribe({ audioUrl: 'https://a.test/' });
    expect(await failure(answer)).toMatchObject({ code: 'invalid_response', status: 200 });
  });

  it('refuses data that JSON cannot say, and names the option', async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const fetch = vi.fn();
    const speech = createHttpClient({ baseUrl: '/api', fetch });
    const audio = new Uint8Array(1);
    const audioUrl = 'https://a.test/';
    for (const metadata of [circle, { big: 1n }]) {
      const said = { code: 'invalid_option', message: expect.stringContaining('The option metadata') };
      await expect(speech.transcribe({ audioUrl, metadata })).rejects.toMatchObject(said);
      await expect(speech.transcribe(audio, { metadata })).rejects.toMatchObject(said);
    }
    for (const [field, value] of [
      ['metadata', 'text'],
      ['options', 'text'],
      ['webhook', 'https://a.test/'],
    ] as const) {
      const call = speech.transcribe(audio, { [field]: value } as never);
      await expect(call).rejects.toMatchObject({
        code: 'invalid_option',
        message: expect.stringContaining(field),
      });
    }
    await expect(speech.transcribe({ audioUrl, priority: 1n as never })).rejects.toThrow(
      'The option priority',
    );
    expect(fetch).not.toHaveBeenCalled();
  });

  it('refuses options that nobody knows, in every call', async () => {
    const fetch = vi.fn();
    const speech = createHttpClient({ baseUrl: '/api', fetch });
    const upload = speech.transcribe(new Uint8Array(1), { audioDuraton: 1 } as never);
    await expect(upload).rejects.toMatchObject({
      code: 'unknown_option',
      message: expect.stringContaining('audioDuration'),
    });
    const webhook = { url: 'https://a.test/', secret: 'not for a query' };
    await expect(speech.transcribe(new Uint8Array(1), { webhook })).rejects.toThrow("'secret' in webhook");
    for (const call of [
      (options: never) => speech.transcribe({ audioUrl: 'https://a.test/' }, options),
      (options: never) => speech.streamOffer(options),
      (options: never) => speech.job('x', options),
      (options: never) => speech.cancelJob('x', options),
      async (options: never) => speech.jobEvents('x', options),
      (options: never) => speech.waitForJob('x', options),
      (options: never) => speech.transcript('x', options),
      (options: never) => speech.transcriptText('x', 'txt', options),
      (options: never) => speech.token(options),
      (options: never) => speech.health(options),
    ]) {
      await expect(call({ signl: undefined } as never)).rejects.toMatchObject({ code: 'unknown_option' });
      await expect(call(null as never)).rejects.toBeInstanceOf(BadRequestError);
      await expect(call({ signal: {} } as never)).rejects.toMatchObject({ code: 'invalid_option' });
    }
    expect(fetch).not.toHaveBeenCalled();
  });

  it('does nothing where the signal has aborted already', async () => {
    const fetch = vi.fn();
    const speech = createHttpClient({ baseUrl: '/api', fetch });
    const error = await failure(speech.job('x', { signal: AbortSignal.abort('why') }));
    expect(error).toMatchObject({ code: 'aborted', cause: 'why' });
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each(['', '.', '..', 7])('refuses the id %j', async (id) => {
    const speech = createHttpClient({ baseUrl: '/api' });
    await expect(speech.job(id as string)).rejects.toThrow('The option id must be an id');
  });

  it.each([
    [undefined, 'plain object'],
    [{ baseUrl: 'api' }, 'baseUrl'],
    [{ baseUrl: '//other.test' }, 'baseUrl'],
    [{ baseUrl: 'ftp://a.test' }, 'baseUrl'],
    [{ baseUrl: '/api?x=1' }, 'baseUrl'],
    [{ baseUrl: 'http://ada@a.test' }, 'baseUrl'],
    [{ baseUrl: 'HTTPS://:CANARY@a.test/api' }, 'baseUrl'],
    [{ baseUrl: new URL('http://ada:CANARY@a.test') }, 'baseUrl'],
    [{ baseUrl: 'ftp://ada:CANARY@a.test' }, 'baseUrl'],
    [{ baseUrl: 'http://ada:CANARY@a.test/?x' }, 'baseUrl'],
    [{ baseUrl: '/api', token: 7 }, 'token'],
    [{ baseUrl: '/api', fetch: 'x' }, 'fetch'],
    [{ baseUrl: '/api', headers: 'x' }, 'headers'],
    [{ baseUrl: '/api', headers: { 'a b': 'x' } }, 'headers'],
    [{ baseUrl: '/api', headers: { authorization: 'a\nb' } }, 'headers'],
    [{ baseUrl: '/api', credentials: 'yes' }, 'credentials'],
    [{ baseUrl: '/api', giveUpAfterMs: -1 }, 'giveUpAfterMs'],
    [{ baseUrl: '/api', idleTimeoutMs: 0 }, 'idleTimeoutMs'],
    [{ baseUrl: '/api', baseurl: 'x' }, "Unknown option 'baseurl'"],
  ])('refuses the options %j', (options, named) => {
    const make = () => createHttpClient(options as never);
    expect(make).toThrow(BadRequestError);
    expect(make).toThrow(named);
    expect(make).not.toThrow('CANARY');
  });
});
