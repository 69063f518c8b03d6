import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { verifyWebhook } from '../../src/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { createHarness, type Harness, type HarnessOptions, URL_SOURCE, unavailable } from './harness.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver on loopback, which answers as it is told. */
class Receiver {
  readonly received: Received[] = [];
  answer: number | 'none' = 200;
  readonly #server: Server = createServer((request, response) => {
    void read(request).then((body) => {
      this.received.push({ headers: request.headers as Record<string, string>, body });
      if (this.answer === 'none') return;
      response.writeHead(this.answer, { location: 'http://127.0.0.1:1/' }).end();
    });
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks?token=canary`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

const open: Harness[] = [];
let receiver: Receiver;

beforeEach(async () => {
  receiver = new Receiver();
  await receiver.start();
});

afterEach(async () => {
  receiver.close();
  await Promise.all(open.splice(0).map(({ jobs }) => jobs.close({ timeoutMs: 0 })));
});

function harness(options: HarnessOptions = {}): Harness {
  const created = createHarness({
    whole: true,
    ...options,
    webhooks: { secret: SECRET, allow: ['127.0.0.1'], ...options.webhooks },
  });
  open.push(created);
  return created;
}

const webhook = () => ({ url: receiver.url });

async function received(count: number): Promise<readonly Received[]> {
  await vi.waitFor(() => expect(receiver.received).toHaveLength(count), 5000);
  return receiver.received;
}

/** Until so many attempts are written, and the next one is due at its time. */
async function attempted(rig: Harness, count: number): Promise<void> {
  await vi.waitFor(async () => {
    expect((await stored(rig))[0]?.attempts).toHaveLength(count);
    expect(await rig.webhookQueue.depth()).toEqual({ waiting: 0, delayed: 1, active: 0 });
  });
}

const stored = async ({ jobs }: Harness) => (await jobs.webhooks.list()).items;

describe('the webhook of a job', () => {
  it('tells of its completion, signed as Standard Webhooks want it', async () => {
    const rig = harness();
    const { id } = await rig.jobs.enqueue(URL_SOURCE, {
      userId: 'u1',
      metadata: { order: 7 },
      webhook: webhook(),
    });
    (await rig.call(0)).resolve();
    const [message] = await received(1);
    const { headers = {}, body = '' } = message ?? {};
    const clock = { wallMs: () => rig.clock.wallMs() };
    const event = await verifyWebhook({ headers, body, secret: SECRET, clock });
    expect(event).toMatchObject({
      type: 'transcription.completed',
      data: { jobId: id, userId: 'u1', status: 'completed', transcriptId: 'tr_1', metadata: { order: 7 } },
    });
    expect(event.data).not.toHaveProperty('text');
    vi.spyOn(Date, 'now').mockReturnValue(rig.clock.wallMs());
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ data: { jobId: id } });
    vi.restoreAllMocks();
    await vi.waitFor(async () =>
      expect(await stored(rig)).toMatchObject([
        {
          id: event.id,
          jobId: id,
          userId: 'u1',
          host: new URL(receiver.url).host,
          status: 'delivered',
          attempts: [{ outcome: 'delivered', httpStatus: 200 }],
        },
      ]),
    );
    expect(JSON.stringify(await stored(rig))).not.toContain('canary');
    expect(rig.eventsOf('webhook-delivery')).toMatchObject([
      { jobId: id, attempt: 1, status: 'success', httpStatus: 200 },
    ]);
  });

  it('holds the text where that is asked for', async () => {
    const rig = harness();
    await rig.jobs.enqueue(URL_SOURCE, { webhook: { ...webhook(), includeText: true } });
    (await rig.call(0)).resolve();
    const [message] = await received(1);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ data: { text: 'hello world' } });
  });

  it('tells of a failure and of a cancellation', async () => {
    const rig = harness({ settings: { attempts: 1 } });
    await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(0)).reject(unavailable());
    const [failed] = await received(1);
    expect(JSON.parse(failed?.body ?? '')).toMatchObject({
      type: 'transcription.failed',
      data: { status: 'failed', error: { code: 'provider_unavailable' } },
    });
    const job = await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    await rig.call(1);
    await job.cancel();
    const [, cancelled] = await received(2);
    expect(JSON.parse(cancelled?.body ?? '')).toMatchObject({
      type: 'transcription.cancelled',
      data: { jobId: job.id },
    });
  });

  it.each([
    ['a 500', 500, 'http_status'],
    ['a redirect, which is not followed', 302, 'redirect'],
  ])('is sent again after %s, under the same id, until it is taken', async (_, answer, code) => {
    const rig = harness();
    receiver.answer = answer;
    const { id } = await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(0)).resolve();
    await received(1);
    const delays = [5, 300, 1800];
    for (const [index, seconds] of delays.entries()) {
      await attempted(rig, index + 1);
      // The harness draws the longest jitter.
      await rig.clock.advance(seconds * 1100 - 1);
      expect(receiver.received).toHaveLength(index + 1);
      if (index === delays.length - 1) receiver.answer = 204;
      await rig.clock.advance(1);
      await received(index + 2);
    }
    const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));
    expect(ids.size).toBe(1);
    await vi.waitFor(async () => expect((await stored(rig))[0]?.status).toBe('delivered'));
    expect((await stored(rig))[0]?.attempts.map((attempt) => attempt.code)).toEqual([
      code,
      code,
      code,
      undefined,
    ]);
    const secret = SECRET;
    for (const { headers, body } of receiver.received) {
      const clock = { wallMs: () => Number(headers['webhook-timestamp']) * 1000 };
      expect((await verifyWebhook({ headers, body, secret, clock })).data.jobId).toBe(id);
    }
  });

  it('waits for an answer no longer than its time limit', async () => {
    const rig = harness();
    receiver.answer = 'none';
    await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(0)).resolve();
    await received(1);
    await rig.clock.advance(15_000);
    await vi.waitFor(async () =>
      expect((await stored(rig))[0]?.attempts).toMatchObject([{ outcome: 'failed', code: 'timeout' }]),
    );
  });

  it('is not sent again after a 410, and after its last attempt', async () => {
    const rig = harness();
    receiver.answer = 410;
    await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(0)).resolve();
    await vi.waitFor(async () => expect((await stored(rig))[0]?.status).toBe('failed'));
    receiver.answer = 500;
    await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(1)).resolve();
    const hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24];
    for (const [index, delay] of hours.entries()) {
      await attempted(rig, index + 1);
      await rig.clock.advance(Math.round(delay * 1.1 * 3_600_000));
    }
    await vi.waitFor(async () => expect((await stored(rig))[0]?.attempts).toHaveLength(10));
    expect((await stored(rig)).map(({ status }) => status)).toEqual(['failed', 'failed']);
    await rig.clock.advance(100 * 3_600_000);
    expect(receiver.received).toHaveLength(11);
  });

  it('is sent anew when somebody asks for it, also after the job is removed', async () => {
    const rig = harness();
    receiver.answer = 410;
    const job = await rig.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await rig.call(0)).resolve();
    await job.result();
    await vi.waitFor(async () => expect((await stored(rig))[0]?.status).toBe('failed'));
    await rig.jobs.remove(job.id);
    const [message] = await stored(rig);
    const id = message?.id ?? '';
    receiver.answer = 200;
    await rig.jobs.webhooks.redeliver(id);
    await vi.waitFor(async () => expect((await stored(rig))[0]?.status).toBe('delivered'));
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    await expect(rig.jobs.webhooks.redeliver('msg_none')).rejects.toMatchObject({ code: 'job_not_found' });
  });

  it('is signed by the secret of the job, or that of its user', async () => {
    const byUser = vi.fn(({ userId }: { userId?: string }) => `secret-of-${userId}-which-is-long-enough`);
    const rig = harness({ webhooks: { secret: byUser } });
    await rig.jobs.enqueue(URL_SOURCE, { userId: 'u1', webhook: webhook() });
    (await rig.call(0)).resolve();
    await received(1);
    const own = ['an-old-secret-that-is-long-enough', 'a-new-secret-that-is-long-enough'];
    await rig.jobs.enqueue(URL_SOURCE, { userId: 'u1', webhook: { ...webhook(), secret: own } });
    (await rig.call(1)).resolve();
    const [first, second] = await received(2);
    const clock = { wallMs: () => rig.clock.wallMs() };
    const verified = (message: Received | undefined, secret: string) =>
      verifyWebhook({ headers: message?.headers ?? {}, body: message?.body ?? '', secret, clock });
    await verified(first, 'secret-of-u1-which-is-long-enough');
    for (const secret of own) await verified(second, secret);
    await expect(verified(second, SECRET)).rejects.toMatchObject({ code: 'invalid_signature' });
  });

  it.each<[string, object, object]>([
    ['a private address', { url: 'https://10.0.0.1/hook' }, { code: 'forbidden_address' }],
    ['a metadata server', { url: 'http://169.254.169.254/latest' }, { code: 'forbidden_address' }],
    ['plain http', { url: 'http://example.com/hook' }, { code: 'forbidden_address' }],
    ['no URL', { url: 'nonsense' }, {}],
    ['no URL at all', {}, {}],
    ['an unknown key', { url: 'https://example.com/', header: 'x' }, { code: 'unknown_option' }],
    ['a short secret', { url: 'https://example.com/', secret: 'canary' }, { code: 'invalid_option' }],
  ])('is refused before anything is stored: %s', async (_, bad, expected) => {
    const { jobs, storage } = harness({ webhooks: { allow: [] } });
    const error = await jobs.enqueue(URL_SOURCE, { webhook: bad as { url: string } }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      name: expect.stringMatching(/BadRequestError|UnsupportedSource/),
      ...expected,
    });
    expect(String((error as Error).stack)).not.toContain('canary');
    expect((await storage.list('jobs', {})).items).toEqual([]);
  });

  it('is refused where nothing signs it', async () => {
    const { jobs } = harness({ webhooks: { secret: undefined } });
    await expect(
      jobs.enqueue(URL_SOURCE, { webhook: { url: 'https://example.com/' } }),
    ).rejects.toMatchObject({ code: 'invalid_option', message: expect.stringMatching(/webhooks.secret/) });
  });
});

describe('a message that was not delivered', () => {
  it('is delivered by the process that starts after, once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
    const storage = createSqliteStorage({ path: join(folder, 'records.db') });
    const clock = new ManualClock();
    const before = harness({ storage, clock });
    receiver.answer = 500;
    await before.jobs.enqueue(URL_SOURCE, { webhook: webhook() });
    (await before.call(0)).resolve();
    await vi.waitFor(async () => expect((await stored(before))[0]?.attempts).toHaveLength(1));
    await before.jobs.close({ timeoutMs: 0 });
    receiver.answer = 200;
    const after = [harness({ storage, clock }), harness({ storage, clock })];
    for (const { jobs } of after) jobs.startWorker();
    await vi.waitFor(() => expect(clock.pendingTimers).toBeGreaterThan(3));
    await clock.advance(6000);
    await received(2);
    await vi.waitFor(async () => expect((await stored(after[0] as Harness))[0]?.status).toBe('delivered'));
    await clock.advance(600_000);
    expect(receiver.received).toHaveLength(2);
    for (const { jobs } of after) await jobs.close({ timeoutMs: 0 });
    await storage.close?.();
    await rm(folder, { recursive: true });
  });
});
