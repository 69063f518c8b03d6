import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouteRule } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { afterEach, describe, expect, it } from 'vitest';
import { jobStatus, transcribeAnswer } from '../../../src/server/http/schemas.js';
import { API_KEY, bearer, type HttpRig, type HttpRigOptions, problemOf, startHttpRig, wavOf } from './rig.js';

const rigs: HttpRig[] = [];

async function rigOf(options: HttpRigOptions = {}): Promise<HttpRig> {
  const rig = await startHttpRig(options);
  rigs.push(rig);
  return rig;
}

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

const STREAM = {
  url: 'wss://bridge.test/stream',
  tokens: {
    issue: async ({ userId }: { userId: string }) => ({ token: `for-${userId}`, expiresInSeconds: 60 }),
  },
};

/** A rule that sends everything to one mode. */
function always(mode: ReturnType<RouteRule['decide']>): RouteRule {
  return { name: 'always', decide: () => mode };
}

describe('POST /transcribe with a URL', () => {
  it('answers a short one with its transcript and why it is one', async () => {
    const rig = await rigOf();
    const audioUrl = rig.emulator.serveAudio(wavOf('hello world'));
    const response = await rig.post({
      audioUrl,
      audioDuration: 2,
      options: { smart_format: true, language: 'en' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const answer = transcribeAnswer.parse(await response.json());
    expect(answer).toMatchObject({
      mode: 'sync',
      transcript: { text: 'Hello world.', mode: 'sync' },
      decision: { mode: 'sync', rule: 'short-audio', facts: { durationSeconds: 2, userId: 'ada' } },
    });
    if (answer.mode !== 'sync') throw new Error('unreachable');
    expect(answer.requestId).toBe(answer.transcript.requestId);
    expect((await rig.client.transcripts.get(answer.transcript.id))?.userId).toBe('ada');
    const [received] = rig.emulator.requests;
    expect(received?.query.get('smart_format')).toBe('true');
    expect(received?.query.get('language')).toBe('en');
  });

  it('answers a long one with a job, and where it is', async () => {
    const rig = await rigOf({ http: { basePath: '/api' } });
    const audioUrl = rig.emulator.serveAudio(wavOf('later'));
    const response = await rig.post({ audioUrl, audioDuration: 900, priority: 2, metadata: { order: 7 } });
    expect(response.status).toBe(202);
    const answer = transcribeAnswer.parse(await response.json());
    if (answer.mode !== 'async') throw new Error(`mode ${answer.mode}`);
    expect(answer.decision.rule).toBe('long-audio');
    expect(answer.statusUrl).toBe(`/api/jobs/${answer.jobId}`);
    expect(answer.eventsUrl).toBe(`/api/jobs/${answer.jobId}/events`);
    expect(response.headers.get('location')).toBe(answer.statusUrl);
    const job = await rig.client.jobs.get(answer.jobId);
    expect((await job?.result())?.text).toBe('later');
    const status = jobStatus.parse(await job?.status());
    expect(status).toMatchObject({ userId: 'ada', priority: 2, metadata: { order: 7 }, state: 'completed' });
  });

  it('does what the mode says, whatever the length', async () => {
    const rig = await rigOf();
    const audioUrl = rig.emulator.serveAudio(wavOf('asked'));
    expect((await rig.post({ audioUrl, audioDuration: 1, mode: 'async' })).status).toBe(202);
    expect((await rig.post({ audioUrl, audioDuration: 900, mode: 'sync' })).status).toBe(200);
  });

  it.each(['application/json; charset=utf-8', 'application/vnd.speech+json', 'Application/JSON'])(
    'takes %s',
    async (type) => {
      const rig = await rigOf();
      const audioUrl = rig.emulator.serveAudio(wavOf('typed'));
      expect((await rig.post({ audioUrl, userId: 'ada' }, { 'content-type': type })).status).toBe(200);
    },
  );

  it('puts options of the request over those of the server, and whose it is over all', async () => {
    const rig = await rigOf({ http: { callOptions: { model: 'nova-2', language: 'fr', userId: 'eve' } } });
    const audioUrl = rig.emulator.serveAudio(wavOf('merged'), {});
    const response = await rig.post({ audioUrl, options: { language: 'en' } });
    expect(response.status).toBe(200);
    const [received] = rig.emulator.requests;
    expect(received?.query.get('model')).toBe('nova-2');
    expect(received?.query.get('language')).toBe('en');
    const answer = transcribeAnswer.parse(await response.json());
    if (answer.mode !== 'sync') throw new Error('unreachable');
    expect((await rig.client.transcripts.get(answer.transcript.id))?.userId).toBe('ada');
  });

  it('names another user with 403, and needs the scope', async () => {
    const rig = await rigOf();
    const body = { audioUrl: 'https://audio.test/a.wav', userId: 'ben' };
    const response = await rig.post(body);
    expect(response.status).toBe(403);
    expect((await problemOf(response)).errors?.[0]?.field).toBe('userId');
    expect((await rig.post(body, bearer('ben:read'))).status).toBe(403);
    expect(rig.emulator.requests).toHaveLength(0);
  });

  it('says that Deepgram cannot fetch the audio, without its address', async () => {
    const rig = await rigOf();
    const response = await rig.post({ audioUrl: `${rig.emulator.url}/none?token=hidden` });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).not.toContain('hidden');
  });

  it.each([['ftp://audio.test/a'], ['/etc/passwd'], ['file:///etc/passwd']])(
    'refuses %s (S3)',
    async (audioUrl) => {
      const rig = await rigOf();
      const response = await rig.post({ audioUrl });
      expect(response.status).toBe(400);
      const { code, errors } = await problemOf(response);
      expect({ code, field: errors?.[0]?.field }).toEqual({ code: 'not_a_url', field: 'audioUrl' });
    },
  );

  it('hands a full line on with 429 and when to come again', async () => {
    const rig = await rigOf({ client: { retry: { attempts: 1 } } });
    rig.emulator.faults.next({ kind: 'status', status: 429, retryAfter: 7 });
    const response = await rig.post({ audioUrl: rig.emulator.serveAudio(wavOf('busy')) });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
  });

  it("never shows the server's key, and tells no more of a refused one than that (S8)", async () => {
    const errors: string[] = [];
    const rig = await rigOf({
      emulator: { apiKeys: ['another'] },
      http: { onError: (error) => errors.push(error.code) },
    });
    const response = await rig.post({ audioUrl: rig.emulator.serveAudio(wavOf('key')) });
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain(API_KEY);
    expect(errors).toEqual(['invalid_credentials']);
  });
});

describe('POST /transcribe with idempotency keys', () => {
  it('answers the same key with the same transcript, by field and by header, and other audio with 409', async () => {
    const rig = await rigOf();
    const audioUrl = rig.emulator.serveAudio(wavOf('once'));
    const first = transcribeAnswer.parse(await (await rig.post({ audioUrl, idempotencyKey: 'k' })).json());
    const second = transcribeAnswer.parse(
      await (await rig.post({ audioUrl }, { 'idempotency-key': 'k' })).json(),
    );
    if (first.mode !== 'sync' || second.mode !== 'sync') throw new Error('unreachable');
    expect(second.transcript.id).toBe(first.transcript.id);
    expect(rig.emulator.requests.filter(({ path }) => path === '/v1/listen')).toHaveLength(1);
    const other = await rig.post({ audioUrl: rig.emulator.serveAudio(wavOf('other')), idempotencyKey: 'k' });
    expect(other.status).toBe(409);
    expect((await problemOf(other)).code).toBe('idempotency_conflict');
  });

  it('answers another upload under the same key with 409', async () => {
    const rig = await rigOf();
    expect((await rig.upload(wavOf('mine'), '', { 'idempotency-key': 'k' })).status).toBe(200);
    expect((await rig.upload(wavOf('mine'), '?idempotencyKey=k')).status).toBe(200);
    expect((await rig.upload(wavOf('other'), '?idempotencyKey=k')).status).toBe(409);
    expect(rig.emulator.requests).toHaveLength(1);
  });

  it('answers jobs in the same way', async () => {
    const rig = await rigOf();
    const audioUrl = rig.emulator.serveAudio(wavOf('once'));
    const body = { audioUrl, mode: 'async', idempotencyKey: 'k' };
    const first = await (await rig.post(body)).json();
    expect(await (await rig.post(body)).json()).toMatchObject({ jobId: first.jobId });
    const other = await rig.post({ ...body, audioUrl: `${audioUrl}-other` });
    expect(other.status).toBe(409);
  });

  it.each(['sync', 'async'])('keeps two users with the same key apart, mode %s (S9)', async (mode) => {
    const rig = await rigOf();
    const body = { audioUrl: rig.emulator.serveAudio(wavOf('private')), mode, idempotencyKey: 'shared' };
    const ada = await (await rig.post(body)).json();
    const ben = await (await rig.post(body, bearer('ben'))).json();
    const [own, others] = [ada.jobId ?? ada.transcript.id, ben.jobId ?? ben.transcript.id];
    expect(own).toBeTypeOf('string');
    expect(others).toBeTypeOf('string');
    expect(others).not.toBe(own);
  });

  it('refuses two keys that differ, and one that is none', async () => {
    const rig = await rigOf();
    const body = { audioUrl: 'https://audio.test/a.wav', idempotencyKey: 'one' };
    expect((await rig.post(body, { 'idempotency-key': 'two' })).status).toBe(400);
    expect((await rig.post({ ...body, idempotencyKey: 'x'.repeat(256) })).status).toBe(400);
    const long = await rig.post({ audioUrl: body.audioUrl }, { 'idempotency-key': 'x'.repeat(256) });
    expect(long.status).toBe(400);
  });
});

describe("POST /transcribe with mode 'stream'", () => {
  it('answers with the bridge and a token of the user', async () => {
    const rig = await rigOf({ http: { stream: STREAM } });
    const response = await rig.post({ mode: 'stream' });
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toEqual({ mode: 'stream', url: STREAM.url, token: 'for-ada', expiresInSeconds: 60 });
    expect(transcribeAnswer.parse(body)).toEqual(body);
    expect(rig.emulator.requests).toHaveLength(0);
  });

  it('is refused without a bridge, naming the field, and without the scope', async () => {
    const rig = await rigOf();
    const response = await rig.post({ mode: 'stream' });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.[0]?.field).toBe('mode');
    const streaming = await rigOf({ http: { stream: STREAM } });
    expect((await streaming.post({ mode: 'stream' }, bearer('ada:transcribe'))).status).toBe(403);
  });

  it('gives one user so many tokens in a minute, and another one still some', async () => {
    const rig = await rigOf({ http: { stream: STREAM, limits: { tokensPerMinute: 2 } } });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await rig.post({ mode: 'stream' })).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await rig.post({ mode: 'stream' }, bearer('ben'))).status).toBe(200);
  });

  it.each(['upload', 'url'])('is answered in the same way where a rule decides so: %s', async (kind) => {
    const rig = await rigOf({ http: { stream: STREAM }, client: { router: { rules: [always('stream')] } } });
    const response =
      kind === 'upload'
        ? await rig.upload(wavOf('rule'), '?priority=1&audioDuration=5')
        : await rig.post({ audioUrl: rig.emulator.serveAudio(wavOf('rule')) });
    expect(response.status).toBe(200);
    expect(transcribeAnswer.parse(await response.json())).toMatchObject({ mode: 'stream', token: 'for-ada' });
    // The session that the client had begun is gone.
    await rig.client.close({ timeoutMs: 1000 });
    expect(
      rig.emulator.requests.filter(({ live }) => live !== undefined && live.closeCode === undefined),
    ).toEqual([]);
  });
});

describe('POST /transcribe with a webhook', () => {
  const secret = 'a secret of the server, long enough';
  const body = { audioUrl: 'https://audio.test/a.wav', mode: 'async' };

  it('is refused where nobody has allowed it, and where there is no job', async () => {
    const rig = await rigOf({ client: { webhooks: { secret } } });
    const webhook = { url: 'https://hooks.test/x' };
    expect((await problemOf(await rig.post({ ...body, webhook }))).errors).toMatchObject([
      { field: 'webhook' },
    ]);
    const allowing = await rigOf({ http: { allowWebhooks: true }, client: { webhooks: { secret } } });
    const response = await allowing.post({ ...body, mode: 'sync', webhook });
    expect((await problemOf(response)).errors).toMatchObject([{ field: 'webhook' }]);
  });

  it('goes with the job where it is allowed', async () => {
    const rig = await rigOf({ http: { allowWebhooks: true }, client: { webhooks: { secret } } });
    const webhook = { url: 'https://hooks.test/x', includeText: true };
    expect((await rig.post({ ...body, webhook })).status).toBe(202);
    const upload = `?mode=async&webhook=${encodeURIComponent(webhook.url)}`;
    expect((await problemOf(await rig.upload(wavOf('a'), upload))).errors).toMatchObject([{ field: 'mode' }]);
  });

  it.each([
    ['http://127.0.0.1/x', 'webhook.url', {}],
    ['https://169.254.169.254/latest', 'webhook.url', {}],
    ['https://hooks.test/x', 'webhook.secret', { secret: 'short' }],
    ['https://hooks.test/x', 'webhook.secret', { secret: 'x'.repeat(2000) }],
    ['https://hooks.test/x', 'webhook.headers', { headers: {} }],
  ])('refuses %s, naming %s (S1)', async (url, field, more) => {
    const rig = await rigOf({ http: { allowWebhooks: true }, client: { webhooks: { secret } } });
    const response = await rig.post({ ...body, webhook: { url, ...more } });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toMatchObject([{ field }]);
  });
});

describe('POST /transcribe with the audio as the body', () => {
  it('reads its facts and options of the query, each as its type', async () => {
    const rig = await rigOf({
      http: { allowedOptions: ['smart_format', 'utt_split', 'keyterm', 'language', 'summarize'] },
    });
    const query =
      '?audioDuration=1.5&priority=3&metadata=%7B%22a%22%3A1%7D&smart_format=true&utt_split=0.9' +
      '&keyterm=one&keyterm=5&language=en&summarize=v2&userId=ada&mode=sync';
    const response = await rig.upload(wavOf('spoken words'), query);
    expect(response.status).toBe(200);
    const answer = transcribeAnswer.parse(await response.json());
    expect(answer).toMatchObject({
      transcript: { text: 'Spoken words.' },
      decision: { rule: 'asked-for', facts: { durationSeconds: 1.5 } },
    });
    if (answer.mode !== 'sync') throw new Error('unreachable');
    expect((await rig.client.transcripts.get(answer.transcript.id))?.metadata).toEqual({ a: 1 });
    const [received] = rig.emulator.requests;
    expect(received?.headers['content-type']).toBe('audio/wav');
    expect(received?.query.getAll('keyterm')).toEqual(['one', '5']);
    expect(received?.query.get('utt_split')).toBe('0.9');
    expect(received?.query.get('summarize')).toBe('v2');
  });

  it.each(['application/octet-stream', 'video/mp4', 'audio/ogg; codecs=opus'])('takes %s', async (type) => {
    const rig = await rigOf();
    expect((await rig.upload(wavOf('typed'), '', { 'content-type': type })).status).toBe(200);
  });

  it('is queued only with an audio store', async () => {
    const without = await rigOf();
    const refused = await without.upload(wavOf('stored'), '?mode=async');
    expect(refused.status).toBe(400);
    expect(await problemOf(refused)).toMatchObject({
      code: 'unsupported_source',
      errors: [{ field: 'mode' }],
    });
    const directory = await mkdtemp(join(tmpdir(), 'http-audio-'));
    const rig = await rigOf({ client: { audioStore: createFileAudioStore({ directory }) } });
    const response = await rig.upload(wavOf('stored'), '?audioDuration=900');
    expect(response.status).toBe(202);
    const { jobId } = await response.json();
    expect((await (await rig.client.jobs.get(jobId))?.result())?.text).toBe('stored');
    await rig.client.close();
    await rm(directory, { recursive: true });
  });
});
