import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { createHandlers, type HttpOptions } from '../../../src/server/http/index.js';
import {
  type CallbackRig,
  PROCESSING_MS,
  REDELIVERY_MS,
  resultOf,
  SECRET,
  secretIn,
  sentSecret,
  startCallbackRig,
} from '../../client/callback-rig.js';
import { clientOf } from '../../support/client.js';
import { startHttpServer } from '../../support/fault-server.js';
import { ORIGIN, problemOf } from './rig.js';

const { audio } = synthesizeSpeech('one two three');

/** Deepgram has no account here: nobody asks who it is. */
const authorize: HttpOptions['authorize'] = () => {
  throw new Error('authorize was asked');
};

/** Jobs that wait for their callbacks, and the route that takes them. */
async function waitingJobs(count = 1) {
  const rig = await startCallbackRig();
  const jobs = [];
  for (let index = 0; index < count; index += 1) {
    const job = await rig.client.enqueue(audio, { delivery: 'callback', userId: 'ada' });
    await rig.waits(job);
    jobs.push({
      job,
      secret: sentSecret(rig, index),
      requestId: rig.submissions[index]?.requestId ?? '',
    });
  }
  return { rig, jobs, handIn: routeOf(rig) };
}

function routeOf({ client }: Pick<CallbackRig, 'client'>, options: Partial<HttpOptions> = {}) {
  const handlers = createHandlers(client, { authorize, ...options });
  return (body: unknown, headers: Record<string, string> = {}) =>
    handlers.fetch(
      new Request(`${ORIGIN}/callback`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
}

describe('POST /callback', () => {
  it('does not wait for a body whose sender has gone', async () => {
    await using rig = await startCallbackRig();
    const { fetch } = createHandlers(rig.client, { authorize });
    const controller = new AbortController();
    const { signal } = controller;
    const { readable: body, writable } = new TransformStream();
    const init = { method: 'POST', body, duplex: 'half', signal } as RequestInit;
    const answer = fetch(new Request(`${ORIGIN}/callback`, init));
    controller.abort();
    expect((await answer).status).toBe(503);
    await writable.close();
  });

  it('takes the result of a job, whatever its content type, and answers without a body', async () => {
    const { rig, jobs, handIn } = await waitingJobs(3);
    await using _ = rig;
    const types = [{ 'content-type': 'application/json' }, { 'content-type': 'text/html' }, {}];
    for (const [index, headers] of types.entries()) {
      const { job, secret, requestId } = jobs[index] as (typeof jobs)[number];
      const response = await handIn(resultOf(secret, requestId), headers as Record<string, string>);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await job.status()).toMatchObject({ state: 'completed' });
    }
  });

  it('answers what is forged with 401, and nothing changes', async () => {
    const { rig, jobs, handIn } = await waitingJobs();
    await using _ = rig;
    const [{ job, secret, requestId } = jobs[0] as never] = jobs;
    const before = await rig.storage.get('jobs', job.id);
    const other = secret.endsWith('A') ? 'E' : 'A';
    for (const forged of [undefined, '', SECRET, secret.slice(0, -1), `${secret.slice(0, -1)}${other}`]) {
      const response = await handIn(resultOf(forged, requestId), { authorization: 'Bearer ada' });
      expect([response.status, await response.text()]).toEqual([401, '']);
    }
    expect(await rig.storage.get('jobs', job.id)).toEqual(before);
    expect(await job.status()).toMatchObject({ state: 'active' });
  });

  it('answers what is replayed with 200, without effect', async () => {
    const { rig, jobs, handIn } = await waitingJobs();
    await using _ = rig;
    const [{ job, secret, requestId } = jobs[0] as never] = jobs;
    expect((await handIn(resultOf(secret, requestId, 'the first'))).status).toBe(200);
    const stored = await rig.storage.get('jobs', job.id);
    for (const words of ['the first', 'the second']) {
      const response = await handIn(resultOf(secret, requestId, words));
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
    expect(await rig.storage.get('jobs', job.id)).toEqual(stored);
    expect(await job.result()).toMatchObject({ text: 'the first' });
    expect((await rig.client.transcripts.list()).items).toHaveLength(1);
  });

  it('answers what is swapped with 409, and both jobs go on', async () => {
    const { rig, jobs, handIn } = await waitingJobs(2);
    await using _ = rig;
    const [first, second] = jobs as [(typeof jobs)[number], (typeof jobs)[number]];
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const response = await handIn(resultOf(one.secret, other.requestId));
      expect([response.status, await response.text()]).toEqual([409, '']);
    }
    for (const { job, secret, requestId } of jobs) {
      expect(await job.status()).toMatchObject({ state: 'active' });
      expect((await handIn(resultOf(secret, requestId))).status).toBe(200);
      expect(await job.result()).toMatchObject({ requestId });
    }
  });

  it('answers what is no callback with 400, and what is too long with 413', async () => {
    await using rig = await startCallbackRig({ callback: { maxBodyBytes: 1000 } });
    const handIn = routeOf(rig);
    for (const body of ['', '{', '<html>']) expect((await handIn(body)).status).toBe(400);
    expect((await handIn(' '.repeat(1001))).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 500;
        controller.enqueue(new Uint8Array(500).fill(0x20));
      },
    });
    const request = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    const handlers = createHandlers(rig.client, { authorize });
    expect((await handlers.fetch(new Request(`${ORIGIN}/callback`, request))).status).toBe(413);
    expect(sent).toBeLessThan(4000);
    const bare = new Request(`${ORIGIN}/callback`, { method: 'POST' });
    expect((await handlers.fetch(bare)).status).toBe(400);
  });

  it('takes POST only', async () => {
    await using rig = await startCallbackRig();
    const handlers = createHandlers(rig.client, { authorize });
    for (const method of ['GET', 'HEAD', 'DELETE', 'PUT']) {
      const response = await handlers.fetch(new Request(`${ORIGIN}/callback`, { method }));
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    }
  });

  it('answers 503 where the result cannot be taken now, and only the log hears why', async () => {
    const reported: unknown[] = [];
    const onError: HttpOptions['onError'] = (error) => void reported.push(error);
    await using plain = clientOf('http://127.0.0.1:9');
    await using rig = await startCallbackRig();
    await rig.client.close({ timeoutMs: 0 });
    for (const [client, code] of [
      [plain, 'invalid_option'],
      [rig.client, 'client_closed'],
    ] as const) {
      const response = await routeOf({ client }, { onError })(resultOf('a.1.b', 'r-1'));
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(await problemOf(response)).toMatchObject({
        code: 'callback_failed',
        detail: 'The callback cannot be taken now. Come again later.',
      });
      expect(reported.pop()).toMatchObject({ code });
    }
  });

  it('completes jobs of Deepgram, which comes again after a 503', async () => {
    await using rig = await startCallbackRig();
    const handlers = createHandlers(rig.client, { authorize });
    let isDown = true;
    const statuses: number[] = [];
    await using server = await startHttpServer((request, response) => {
      void bridge(request, response, async (fetchRequest) => {
        const answer = isDown ? new Response(null, { status: 503 }) : await handlers.fetch(fetchRequest);
        statuses.push(answer.status);
        return answer;
      });
    });
    const client = rig.connect({ callback: { url: `${server.url}/callback`, secret: SECRET } });
    const job = await client.enqueue(audio, { delivery: 'callback' });
    await rig.waits(job);
    expect(secretIn(`?${rig.submissions[0]?.query}`)).not.toBe('');
    await rig.deepgramClock.advance(PROCESSING_MS);
    await expect.poll(() => statuses, { timeout: 10_000 }).toEqual([503]);
    await expect.poll(() => rig.emulator.journal.callbacks.length, { timeout: 10_000 }).toBe(1);
    isDown = false;
    await rig.deepgramClock.advance(REDELIVERY_MS);
    await expect.poll(() => statuses, { timeout: 10_000 }).toEqual([503, 200]);
    expect(await job.result()).toMatchObject({ text: 'one two three' });
  });
});

async function bridge(
  request: IncomingMessage,
  response: ServerResponse,
  fetch: (request: Request) => Promise<Response>,
): Promise<void> {
  const body = Readable.toWeb(request) as ReadableStream<Uint8Array>;
  const init = { method: request.method ?? 'POST', body, duplex: 'half' } as RequestInit;
  const answer = await fetch(new Request(`http://here${request.url}`, init));
  response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
}
