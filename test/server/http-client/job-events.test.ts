import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createHttpClient,
  HttpClientError,
  type HttpClientOptions,
  type JobEventAnswer,
} from 'transcription-client/http-client';
import { describe, expect, it, vi } from 'vitest';
import { startHttpServer } from '../../support/fault-server.js';

const JOB = { id: 'job_1', priority: 0, attempts: 0, maxAttempts: 3, createdAt: '2026-01-01T00:00:00.000Z' };
const QUEUED = { ...JOB, state: 'queued' };
const ACTIVE = { ...JOB, attempts: 1, state: 'active', startedAt: '2026-01-01T00:00:01.000Z' };
const COMPLETED = {
  ...JOB,
  attempts: 1,
  state: 'completed',
  transcriptId: 'tr_1',
  transcriptUrl: '/transcripts/tr_1',
  finishedAt: '2026-01-01T00:00:02.000Z',
};
const PROGRESS = { type: 'progress', status: ACTIVE, progress: { phase: 'processing' } };

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is written. Without an end the connection stays open. */
  readonly text?: string;
  readonly end?: 'well' | 'cut' | 'never';
}

const SSE = { 'content-type': 'text/event-stream' };
const eventText = (status: { state: string }, id: string): string =>
  `event: ${status.state}\nid: ${id}\ndata: ${JSON.stringify({ type: status.state, status })}\n\n`;
const progressText = `event: progress\ndata: ${JSON.stringify(PROGRESS)}\n\n`;

/** A server that gives one answer after the other, the last one again and again. */
async function startScripted(answers: readonly Answer[], options: Partial<HttpClientOptions> = {}) {
  const requests: IncomingMessage[] = [];
  const open = new Set<ServerResponse>();
  const server = await startHttpServer((request, response) => {
    const {
      status = 200,
      headers = SSE,
      text = '',
      end = 'well',
    } = answers[Math.min(requests.length, answers.length - 1)] as Answer;
    requests.push(request);
    open.add(response);
    response.once('close', () => open.delete(response));
    response.writeHead(status, headers).flushHeaders();
    if (end === 'well') response.end(text);
    else response.write(text, () => end === 'cut' && response.destroy());
  });
  const client = createHttpClient({ baseUrl: `${server.url}/api`, token: 'ada', ...options });
  return {
    client,
    requests,
    open,
    lastIds: () => requests.map(({ headers }) => headers['last-event-id']),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function collect(events: AsyncIterable<JobEventAnswer>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of events) types.push(type);
  return types;
}

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

describe('the events of a job', () => {
  it('end after the last state, and let go of the connection', async () => {
    await using rig = await startScripted([
      { text: eventText(QUEUED, 'q') + progressText + eventText(COMPLETED, 'c'), end: 'never' },
    ]);
    expect(await collect(rig.client.jobEvents('job/1 x'))).toEqual(['queued', 'progress', 'completed']);
    expect(rig.requests[0]?.url).toBe('/api/jobs/job%2F1%20x/events');
    expect(rig.requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      authorization: 'Bearer ada',
    });
    await vi.waitFor(() => expect(rig.open.size).toBe(0));
  });

  it('go on over another connection, behind what has been told', async () => {
    await using rig = await startScripted([
      { text: eventText(QUEUED, 'q'), end: 'cut' },
      { text: progressText, end: 'well' },
      { text: eventText(ACTIVE, 'a'), end: 'cut' },
      { text: eventText(COMPLETED, 'c'), end: 'well' },
    ]);
    expect(await collect(rig.client.jobEvents('job_1'))).toEqual([
      'queued',
      'progress',
      'active',
      'completed',
    ]);
    expect(rig.lastIds()).toEqual([undefined, 'q', 'q', 'a']);
  });

  it('are asked for again when the server asks for it', async () => {
    await using rig = await startScripted([
      { status: 503, headers: { 'retry-after': '1' } },
      { text: eventText(COMPLETED, 'c') },
    ]);
    const startedAt = performance.now();
    expect(await collect(rig.client.jobEvents('job_1'))).toEqual(['completed']);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(999);
  });

  it('wait as long as the stream says', async () => {
    await using rig = await startScripted([{ text: 'retry: 900\n\n' }, { text: eventText(COMPLETED, 'c') }]);
    const startedAt = performance.now();
    await collect(rig.client.jobEvents('job_1'));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(899);
  });

  it('get another connection where one gives no sign of life, unless the reader is the slow one', async () => {
    const answers: Answer[] = [
      { text: eventText(QUEUED, 'q'), end: 'never' },
      { text: eventText(COMPLETED, 'c'), end: 'well' },
    ];
    await using rig = await startScripted(answers, { idleTimeoutMs: 150 });
    const types: string[] = [];
    for await (const { type } of rig.client.jobEvents('job_1')) {
      types.push(type);
      if (type !== 'queued') continue;
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(rig.requests).toHaveLength(1);
    }
    expect(types).toEqual(['queued', 'completed']);
    await vi.waitFor(() => expect(rig.open.size).toBe(0));
  });

  it('end where the server says that all has been told', async () => {
    await using rig = await startScripted([{ status: 204 }]);
    expect(await collect(rig.client.jobEvents('job_1'))).toEqual([]);
  });

  it.each([
    [401, 'http_error'],
    [404, 'http_error'],
    [500, 'http_error'],
  ])('reject at once with status %d', async (status, code) => {
    await using rig = await startScripted([{ status }]);
    expect(await failure(collect(rig.client.jobEvents('job_1')))).toMatchObject({ status, code });
    expect(rig.requests).toHaveLength(1);
  });

  it.each([
    ['another type', { headers: { 'content-type': 'text/html' }, text: '<p>' }],
    ['no JSON', { text: 'data: {\n\n' }],
    ['no event', { text: 'data: {"type":"completed"}\n\n' }],
  ] satisfies [string, Answer][])('reject at once with an answer of %s', async (_what, answer) => {
    await using rig = await startScripted([answer]);
    expect((await failure(collect(rig.client.jobEvents('job_1')))).code).toBe('invalid_response');
    expect(rig.requests).toHaveLength(1);
  });

  it('are given up after a while without a connection', async () => {
    await using rig = await startScripted([{ status: 503 }], { giveUpAfterMs: 600 });
    expect(await failure(collect(rig.client.jobEvents('job_1')))).toMatchObject({ status: 503 });
    expect(rig.requests.length).toBeGreaterThan(1);
  });

  it('are given up at once where the server asks for more time than there is', async () => {
    await using rig = await startScripted([{ status: 429, headers: { 'retry-after': '3600' } }]);
    const error = await failure(collect(rig.client.jobEvents('job_1')));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
  });

  it.each([
    ['before the answer', { end: 'never' }],
    ['between two events', { text: eventText(QUEUED, 'q'), end: 'never' }],
    ['between two connections', { status: 503 }],
  ] satisfies [string, Answer][])('stop with the signal, %s', async (_what, answer) => {
    await using rig = await startScripted([answer]);
    const controller = new AbortController();
    const reading = failure(collect(rig.client.jobEvents('job_1', { signal: controller.signal })));
    await vi.waitFor(() => expect(rig.requests.length).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(new Error('enough'));
    expect(await reading).toMatchObject({ code: 'aborted', cause: controller.signal.reason });
    await vi.waitFor(() => expect(rig.open.size).toBe(0));
  });

  it('let go of the connection when nobody reads on', async () => {
    await using rig = await startScripted([{ text: eventText(QUEUED, 'q'), end: 'never' }]);
    for await (const { type } of rig.client.jobEvents('job_1')) {
      expect(type).toBe('queued');
      break;
    }
    await vi.waitFor(() => expect(rig.open.size).toBe(0));
  });

  it('give waitForJob() the job as it ended', async () => {
    await using rig = await startScripted([
      { text: eventText(ACTIVE, 'a'), end: 'cut' },
      { text: eventText(COMPLETED, 'c') },
    ]);
    expect(await rig.client.waitForJob('job_1')).toEqual(COMPLETED);
  });
});
