import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/01-sync-api/', import.meta.url));
const KEY = 'secret-key';

let emulator: DeepgramEmulator;
let server: Running;
let audioUrl: string;
let requestsBefore = 0;

beforeAll(async () => {
  emulator = await startDeepgramEmulator({ apiKeys: [KEY] });
  audioUrl = emulator.serveAudio(synthesizeSpeech('hello from the emulator').audio, { path: '/hello.wav' });
  server = await startServer();
});

beforeEach(() => {
  emulator.faults.clear();
  requestsBefore = emulator.requests.length;
});

afterAll(async () => {
  await server.stop();
  await emulator.close();
});

describe('the synchronous API', () => {
  it('answers each curl command of its README as the README says', async () => {
    const readme = readFileSync(`${folder}README.md`, 'utf8');
    const examples = [...readme.matchAll(/```sh\n(curl .*?)```\n\n```json\n(.*?)\n```/gs)];
    expect(examples).toHaveLength(4);
    const here = (text: string) =>
      text.replaceAll('http://127.0.0.1:3000', server.url).replaceAll('http://127.0.0.1:8080', emulator.url);
    for (const [, command = '', answer = ''] of examples) {
      const { stdout } = await promisify(execFile)('sh', ['-c', here(command)]);
      expect(withoutIds(JSON.parse(stdout))).toEqual(withoutIds(JSON.parse(here(answer))));
    }
  });

  it('stores the record with its owner, and shows it to no other user', async () => {
    const answer = await transcribe({ audioUrl: `${audioUrl}?signature=secret`, userId: 'owner' });
    expect(answer).toMatchObject({ status: 200, body: { transcript: 'Hello from the emulator.' } });
    const own = await get('/transcripts?userId=owner');
    const { requestId } = answer.body;
    expect(own.body).toMatchObject({ records: [{ requestId, userId: 'owner', source: audioUrl }] });
    expect((await get('/transcripts?userId=stranger')).body).toEqual({ records: [] });
    expect(await get('/transcripts')).toMatchObject({ status: 400, body: { error: { field: 'userId' } } });
  });

  it('pays once for a call that is repeated with its key', async () => {
    const call = (body: object) => transcribe(body, { 'idempotency-key': 'order-17' });
    const answers = await Promise.all([call({ audioUrl }), call({ audioUrl })]);
    expect(answers[0]).toMatchObject({ status: 200 });
    expect(answers[1].body).toEqual(answers[0].body);
    expect(listens()).toBe(1);
    const other = await call({ audioUrl: `${audioUrl}?other` });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'idempotency_conflict' } } });
  });

  it.each([
    ['no audioUrl', '{}', 400, 'audioUrl'],
    ['a path', '{ "audioUrl": "/etc/passwd" }', 400, 'audioUrl'],
    ['another scheme', '{ "audioUrl": "file:///etc/passwd" }', 400, 'audioUrl'],
    ['an object', '{ "audioUrl": { "kind": "file", "path": "/etc/passwd" } }', 400, 'audioUrl'],
    ['null', '{ "audioUrl": null }', 400, 'audioUrl'],
    ['a URL without a host', '{ "audioUrl": "https://" }', 400, 'audioUrl'],
    ['a number as userId', '{ "audioUrl": "https://example.com/a.wav", "userId": 7 }', 400, 'userId'],
    ['broken JSON', '{ "audioUrl": ', 400, 'body'],
    ['an array', '[]', 400, 'body'],
    ['nothing', '', 400, 'audioUrl'],
    ['a large body', `{ "audioUrl": "https://example.com/${'a'.repeat(20_000)}" }`, 413, 'body'],
  ])('refuses %s and names the field', async (_what, body, status, field) => {
    const answer = await post(body, { 'content-type': 'application/json' });
    expect(answer).toMatchObject({ status, body: { error: { code: 'invalid_input', field } } });
    expect(listens()).toBe(0);
  });

  it('refuses a body that is no JSON by its content-type, and an unknown route', async () => {
    const form = await post('audioUrl=x', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(form).toMatchObject({ status: 400, body: { error: { field: 'body' } } });
    expect(await get('/nothing')).toMatchObject({ status: 404, body: { error: { code: 'no_route' } } });
  });

  it.each([
    [401, 'invalid_credentials'],
    [402, 'payment_required'],
    [403, 'forbidden'],
    [422, 'unprocessable_audio'],
    [504, 'timeout'],
  ] as const)('passes on %i of Deepgram as %s', async (status, code) => {
    emulator.faults.next(status);
    const answer = await transcribe({ audioUrl });
    expect(answer).toMatchObject({ status, body: { error: { code } } });
    expect(JSON.stringify(answer.body)).not.toContain(KEY);
    expect(listens()).toBe(1);
  });

  it('answers 400 where the URL leads nowhere, or to something that is no audio', async () => {
    const missing = await transcribe({ audioUrl: `${emulator.url}/missing.wav` });
    expect(missing).toMatchObject({
      status: 400,
      body: { error: { code: 'remote_content', field: 'audioUrl' } },
    });
    const text = await transcribe({ audioUrl: emulator.serveAudio(Buffer.from('no audio')) });
    expect(text).toMatchObject({ status: 400, body: { error: { code: 'bad_request', field: 'audioUrl' } } });
  });

  it('answers 400 where the URL leads into the network of a self-hosted endpoint', async () => {
    const answer = await transcribe({ audioUrl: 'http://169.254.169.254/latest/meta-data' });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'forbidden_address' } } });
    expect(listens()).toBe(0);
  });

  it('passes on how long Deepgram asks to wait', async () => {
    emulator.faults.next({ kind: 'status', status: 429, retryAfter: '90' });
    const answer = await transcribe({ audioUrl });
    expect(answer).toMatchObject({ status: 429, retryAfter: '90', body: { error: { retryable: true } } });
  });

  it('ends the request to Deepgram when its caller hangs up', async () => {
    emulator.faults.next({ kind: 'noHeaders' });
    const controller = new AbortController();
    const call = transcribe({ audioUrl }, {}, controller.signal).catch(({ name }) => name);
    await vi.waitFor(() => expect(listens()).toBe(1));
    controller.abort();
    expect(await call).toBe('AbortError');
    await vi.waitFor(() => expect(server.output()).toContain('cancelled aborted'));
  });

  it('lets running calls end on SIGTERM, takes no new ones, and ends', async () => {
    const other = await startServer();
    emulator.faults.next({ kind: 'delay', ms: 500 });
    const agent = new Agent({ keepAlive: true });
    const call = postThrough(agent, other.url, { audioUrl });
    await vi.waitFor(() => expect(listens()).toBe(1));
    const ended = other.stop();
    await vi.waitFor(() => expect(fetch(other.url)).rejects.toThrow('fetch failed'), 10_000);
    expect(await call).toBe(200);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(other.output()).toContain('Closed');
    agent.destroy();
  });
});

describe('the stand-in for Deepgram', () => {
  it('serves the recording that the README names', async () => {
    const standIn = await start('emulator.mjs', {});
    try {
      expect(standIn.url).toMatch(/\/hello\.wav$/);
      expect((await fetch(standIn.url)).status).toBe(200);
    } finally {
      expect(await standIn.stop()).toEqual({ code: 0, signal: null });
    }
  });
});

interface Running {
  /** The URL that its first line tells. */
  readonly url: string;
  output(): string;
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function startServer(): Promise<Running> {
  return start('server.mjs', { DEEPGRAM_API_KEY: KEY, DEEPGRAM_ENDPOINT: emulator.url });
}

async function start(file: string, environment: Readonly<Record<string, string>>): Promise<Running> {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [folder + file], {
    env: { ...(PATH === undefined ? {} : { PATH }), ...environment, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    output += `${line}\n`;
  });
  const ended = once(child, 'exit');
  await Promise.race([once(lines, 'line'), ended]);
  const url = /http:\S+/.exec(output)?.[0];
  if (url === undefined) throw new Error(`${file} did not start: ${output}`);
  return { url, output: () => output, stop: () => end(child, ended) };
}

async function end(child: ChildProcess, ended: Promise<unknown[]>): ReturnType<Running['stop']> {
  if (child.exitCode === null) child.kill('SIGTERM');
  await ended;
  return { code: child.exitCode, signal: child.signalCode };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { readonly [name: string]: unknown };
}

function transcribe(
  body: object,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return post(JSON.stringify(body), { 'content-type': 'application/json', ...headers }, signal);
}

async function post(
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | null = null,
): Promise<Answer> {
  return answerOf(await fetch(`${server.url}/transcribe`, { method: 'POST', body, headers, signal }));
}

async function get(path: string): Promise<Answer> {
  return answerOf(await fetch(server.url + path));
}

async function answerOf(response: Response): Promise<Answer> {
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

function postThrough(agent: Agent, url: string, body: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(`${url}/transcribe`, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

/** Requests for a transcript in this test. */
function listens(): number {
  return emulator.requests.slice(requestsBefore).filter(({ path }) => path === '/v1/listen').length;
}

/** What differs from run to run; that it is there is looked at. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, member) =>
    name === 'requestId' || name === 'createdAt' ? typeof member : member,
  );
}
