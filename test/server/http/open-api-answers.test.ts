import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeByBearer, bearer, type HttpRig, startHttpRig, wavOf } from './rig.js';

type Json = Readonly<Record<string, unknown>>;
type Validate = ((data: unknown) => boolean) & { readonly errors?: unknown };

interface Answer {
  readonly $ref?: string;
  readonly headers?: Json;
  readonly content?: Readonly<Record<string, { readonly schema?: Json }>>;
}

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Answer>> }>>>
  >;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
}

/** The validator that the OpenAPI validator itself brings along. */
const Ajv = createRequire(createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'))(
  'ajv/dist/2020.js',
) as new (
  options: object,
) => { compile(schema: unknown): Validate };

/** Without the fields that no schema names: an answer must not tell more than the document says. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== 'object' || part === null) return part;
  const fields = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  const isOpen = fields.type === 'object' && 'properties' in fields && !('additionalProperties' in fields);
  return isOpen ? { ...fields, additionalProperties: false } : fields;
}

let rig: HttpRig;
let document: Document;

beforeAll(async () => {
  rig = await startHttpRig({
    http: {
      basePath: '/api',
      authorize: authorizeByBearer,
      token: {},
      stream: {
        url: 'wss://app.test/stream',
        tokens: { issue: async () => ({ token: 'short', expiresInSeconds: 60 }) },
      },
      metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' },
    },
  });
  document = (await (await rig.fetch('/openapi.json')).json()) as Document;
});

afterAll(() => rig[Symbol.asyncDispose]());

/** Checks an answer against what the document says of it. Returns its JSON, or its text. */
async function documented(operation: string, response: Response): Promise<Json & { readonly text: string }> {
  const [method = '', path = ''] = operation.split(' ');
  const named = document.paths[path]?.[method.toLowerCase()]?.responses[String(response.status)];
  const where = `${operation} ${response.status}`;
  expect(named, where).toBeDefined();
  const answer =
    named?.$ref === undefined ? named : document.components.responses[named.$ref.split('/').at(-1) ?? ''];
  for (const name of Object.keys(answer?.headers ?? {})) {
    expect(response.headers.get(name), `${where} ${name}`).not.toBeNull();
  }
  const text = await response.text();
  const type = response.headers.get('content-type');
  if (answer?.content === undefined) {
    expect(text, where).toBe('');
    return { text };
  }
  const media = answer.content[type ?? ''] ?? answer.content[type?.split(';', 1)[0] ?? ''];
  expect(media, `${where} ${type}`).toBeDefined();
  if (!/json/.test(type ?? '')) return { text };
  const data = JSON.parse(text) as Json;
  const validate = new Ajv({ strict: false }).compile(
    closed({ ...media?.schema, components: document.components }),
  );
  validate(data);
  expect(validate.errors ?? [], `${where} ${text.slice(0, 300)}`).toEqual([]);
  return { ...data, text };
}

describe('what is answered is what the document says', () => {
  it('at POST /transcribe', async () => {
    const transcribe = async (response: Promise<Response>, status: number) => {
      const answer = await response;
      const data = await documented('POST /transcribe', answer);
      expect(answer.status, data.text).toBe(status);
      return data;
    };
    const audioUrl = rig.emulator.serveAudio(wavOf('hello world'));
    const key = { 'idempotency-key': 'key' };
    const options = { smart_format: true, utterances: true, paragraphs: true, numerals: true };
    expect(
      await transcribe(rig.post({ audioUrl, mode: 'sync', options, metadata: { a: 1 } }), 200),
    ).toMatchObject({
      mode: 'sync',
    });
    await transcribe(rig.upload(wavOf('one two three'), '?mode=sync', key), 200);
    await transcribe(rig.upload(wavOf('four five six'), '?mode=sync', key), 409);
    await transcribe(rig.post({ audioUrl, mode: 'async' }), 202);
    expect(await transcribe(rig.post({ mode: 'stream' }), 200)).toMatchObject({ mode: 'stream' });
    await transcribe(rig.post({ audioUrl, options: { model: 'nova-3' }, nonsense: 1 }), 400);
    await transcribe(rig.post({ audioUrl }, { authorization: 'none' }), 401);
    await transcribe(rig.post({ audioUrl, userId: 'ben' }), 403);
    await transcribe(rig.post({ audioUrl }, bearer('ada:read')), 403);
    await transcribe(rig.post({ audioUrl: 'x'.repeat(70_000) }), 413);
    await transcribe(rig.upload('text', '', { 'content-type': 'text/plain' }), 415);
  });

  it('at /jobs/{id}', async () => {
    const audioUrl = rig.emulator.serveAudio(wavOf('a job of its own'));
    const job = await rig.client.enqueue(audioUrl, { userId: 'ada', metadata: { order: 7 } });
    await documented('GET /jobs/{id}', await rig.fetch(`/jobs/${job.id}`));
    await job.result();
    const ended = await documented('GET /jobs/{id}', await rig.fetch(`/jobs/${job.id}`));
    expect(ended).toMatchObject({ state: 'completed', transcriptUrl: expect.any(String) });
    const late = await rig.client.enqueue(audioUrl, { userId: 'ada', delayMs: 600_000 });
    const cancel = () => rig.fetch(`/jobs/${late.id}`, { method: 'DELETE' });
    expect(await documented('DELETE /jobs/{id}', await cancel())).toMatchObject({ state: 'cancelled' });
    expect(await documented('DELETE /jobs/{id}', await cancel())).toMatchObject({ status: 409 });
    const failing = await rig.client.enqueue(rig.emulator.url, { userId: 'ada', attempts: 1 });
    await failing.result().catch(() => undefined);
    const failed = await documented('GET /jobs/{id}', await rig.fetch(`/jobs/${failing.id}`));
    expect(failed).toMatchObject({ state: 'failed' });
    await documented('GET /jobs/{id}', await rig.fetch('/jobs/none'));
    await documented('DELETE /jobs/{id}', await rig.fetch('/jobs/none', { method: 'DELETE' }));
  });

  it('at /jobs/{id}/events', async () => {
    const job = await rig.client.enqueue(rig.emulator.serveAudio(wavOf('told step by step')), {
      userId: 'ada',
    });
    const path = `/jobs/${job.id}/events`;
    const operation = 'GET /jobs/{id}/events';
    const { text } = await documented(operation, await rig.fetch(path));
    const schema = { $ref: '#/components/schemas/JobEvent', components: document.components };
    const validate = new Ajv({ strict: false }).compile(closed(schema));
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
    expect(events.at(-1)).toMatchObject({ type: 'completed' });
    for (const event of events) {
      validate(event);
      expect(validate.errors ?? []).toEqual([]);
    }
    const lastId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
    const again = await rig.fetch(path, { headers: { 'last-event-id': lastId } });
    expect(again.status).toBe(204);
    await documented(operation, again);
    await documented(operation, await rig.fetch('/jobs/none/events'));
  });

  it('at /transcripts/{id}', async () => {
    const { id } = await rig.client.transcribe(wavOf('kept for later'), {
      userId: 'ada',
      metadata: { a: 1 },
    });
    const operation = 'GET /transcripts/{id}';
    for (const extension of ['', '.json', '.txt', '.srt', '.vtt']) {
      const response = await rig.fetch(`/transcripts/${id}${extension}`);
      expect(response.status).toBe(200);
      await documented(operation, response.clone());
      const headers = { 'if-none-match': response.headers.get('etag') ?? '' };
      const unchanged = await rig.fetch(`/transcripts/${id}${extension}`, { headers });
      expect(unchanged.status).toBe(304);
      await documented(operation, unchanged);
    }
    await documented(operation, await rig.fetch('/transcripts/none'));
    await documented(
      operation,
      await rig.fetch(`/transcripts/${id}`, { headers: { authorization: 'none' } }),
    );
  });

  it('at the other routes', async () => {
    await documented('GET /health', await rig.fetch('/health'));
    await documented('POST /token', await rig.fetch('/token', { method: 'POST' }));
    await documented('GET /metrics', await rig.fetch('/metrics', { headers: bearer('admin') }));
    await documented('GET /metrics', await rig.fetch('/metrics'));
    await documented('GET /openapi.json', await rig.fetch('/openapi.json'));
    for (const body of ['{}', 'nonsense']) {
      await documented('POST /callback', await rig.fetch('/callback', { method: 'POST', body }));
    }
  });
});

describe('a request', () => {
  it.each([
    [{}, false],
    [{ mode: 'async' }, false],
    [{ audioUrl: 'https://audio.test/a.wav' }, true],
    [{ mode: 'stream' }, true],
    [{ audioUrl: 'https://audio.test/a.wav', foo: 1 }, false],
  ])('is right by the document where it is right by the server: %j', async (body, isRight) => {
    const schema = { $ref: '#/components/schemas/TranscribeRequest', components: document.components };
    expect(new Ajv({ strict: false }).compile(schema)(body)).toBe(isRight);
    const { status } = await rig.fetch('/transcribe', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(status === 400).toBe(!isRight);
  });
});
