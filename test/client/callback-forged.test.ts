import { inspect } from 'node:util';
import { createMemoryStorage, TranscriptionClient } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { send, startAnswering, startHttpServer } from '../support/fault-server.js';
import { shown, watchedClient } from '../support/leaks.js';
import {
  eventually,
  PROCESSING_MS,
  resultOf,
  SECRET,
  secretIn,
  sentSecret,
  startCallbackRig,
} from './callback-rig.js';

const { audio } = synthesizeSpeech('one two three');
const delivery = 'callback';

/** A rig with a job that waits, and what its callback would hold. */
async function waitingJob(options: Parameters<typeof startCallbackRig>[0] = {}) {
  const rig = await startCallbackRig(options);
  const job = await rig.client.enqueue(audio, { delivery });
  await rig.waits(job);
  return { rig, job, secret: sentSecret(rig), requestId: rig.submissions[0]?.requestId ?? '' };
}

describe('a callback that is', () => {
  it('forged is refused, and changes nothing', async () => {
    const { rig, job, secret, requestId } = await waitingJob();
    await using _ = rig;
    const [jobId = '', run = '', mac = ''] = secret.split('.');
    const other = mac.startsWith('A') ? 'B' : 'A';
    const before = await rig.storage.get('jobs', job.id);
    const forged = {
      'no secret': undefined,
      'an empty one': '',
      'the id of the job alone': jobId,
      'a MAC that is wrong in one place': `${jobId}.${run}.${other}${mac.slice(1)}`,
      'a MAC that is cut short': `${jobId}.${run}.${mac.slice(0, -1)}`,
      'a MAC with more behind it': `${secret}=`,
      'another attempt': `${jobId}.${Number(run) + 1}.${mac}`,
      'the same attempt in other words': `${jobId}.0${run}.${mac}`,
      'another job': `job_${'0'.repeat(32)}.${run}.${mac}`,
      'the secret of the client': SECRET,
      'a long text': 'x'.repeat(1_000_000),
    };
    for (const [what, given] of Object.entries(forged)) {
      const body = resultOf(given, requestId);
      expect(await rig.client.handleCallback({ body }), what).toEqual({ httpStatus: 401, outcome: 'forged' });
    }
    for (const body of [null, 5, 'text', [], {}, { metadata: { extra: { callback_secret: [secret] } } }]) {
      expect(await rig.client.handleCallback({ body: JSON.stringify(body) })).toEqual({
        httpStatus: 401,
        outcome: 'forged',
      });
    }
    expect(await rig.storage.get('jobs', job.id)).toEqual(before);
    const body = resultOf(secret, requestId);
    expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'completed' });
  });

  it('signed with another secret is refused, and one of a secret that is being changed is taken', async () => {
    const { rig, secret, requestId } = await waitingJob();
    await using _ = rig;
    const body = resultOf(secret, requestId);
    const clientWith = (...secrets: string[]) =>
      rig.connect({ callback: { url: rig.callbackUrl, secret: secrets } });
    const next = `${SECRET}, the next one`;
    expect(await clientWith(next).handleCallback({ body })).toMatchObject({ httpStatus: 401 });
    expect(await clientWith(next, SECRET).handleCallback({ body })).toMatchObject({ httpStatus: 200 });
  });

  it('replayed has no effect', async () => {
    const { rig, job, secret, requestId } = await waitingJob();
    await using _ = rig;
    const first = { body: resultOf(secret, requestId, 'the first') };
    expect(await rig.client.handleCallback(first)).toMatchObject({ outcome: 'completed' });
    const stored = await rig.storage.get('jobs', job.id);
    const replay = { body: resultOf(secret, requestId, 'the second') };
    for (const again of [first, replay]) {
      expect(await rig.client.handleCallback(again)).toEqual({
        httpStatus: 200,
        outcome: 'duplicate',
        jobId: job.id,
      });
    }
    expect(await rig.storage.get('jobs', job.id)).toEqual(stored);
    expect((await rig.client.transcripts.list()).items.map(({ text }) => text)).toEqual(['the first']);
  });

  it('swapped with that of another job is refused, before the end of the job and after it', async () => {
    await using rig = await startCallbackRig();
    const jobs = [
      await rig.client.enqueue(audio, { delivery }),
      await rig.client.enqueue(audio, { delivery }),
    ];
    for (const job of jobs) await rig.waits(job);
    const of = (jobId: string) => {
      const index = [0, 1].find((place) => sentSecret(rig, place).startsWith(jobId)) ?? 0;
      return { secret: sentSecret(rig, index), requestId: rig.submissions[index]?.requestId ?? '' };
    };
    const [a, b] = jobs.map(({ id }) => of(id));
    const swap = { body: resultOf(a?.secret, b?.requestId ?? '') };
    const refused = { httpStatus: 409, outcome: 'swapped', jobId: jobs[0]?.id };
    expect(await rig.client.handleCallback(swap)).toEqual(refused);
    // The id beside the metadata is not the one that counts.
    const disguised = { body: { ...swap.body, request_id: a?.requestId } };
    expect(await rig.client.handleCallback(disguised)).toEqual(refused);
    expect(await jobs[0]?.status()).toMatchObject({ state: 'active' });
    await rig.deepgramClock.advance(PROCESSING_MS);
    for (const job of jobs) {
      expect((await job.result()).requestId).toBe(of(job.id).requestId);
    }
    expect(await rig.client.handleCallback(swap)).toEqual(refused);
  });

  it('for a job that is no longer there is answered with 404', async () => {
    const { rig, job, secret, requestId } = await waitingJob();
    await using _ = rig;
    await job.cancel();
    await rig.client.jobs.remove(job.id);
    expect(await rig.client.handleCallback({ body: resultOf(secret, requestId) })).toEqual({
      httpStatus: 404,
      outcome: 'unknown',
      jobId: job.id,
    });
  });
});

describe('the body', () => {
  it('may be a text, bytes, a stream, a fetch Request or what a parser made of it', async () => {
    const { rig, job, secret, requestId } = await waitingJob();
    await using _ = rig;
    const text = JSON.stringify(resultOf(secret, requestId, 'größer als 100 €'));
    const bytes = Buffer.from(text);
    async function* stream() {
      for (let index = 0; index < bytes.length; index += 7) yield bytes.subarray(index, index + 7);
    }
    const bodies = [text, bytes, new Uint8Array(bytes).buffer, stream(), JSON.parse(text)];
    const request = new Request('http://localhost/callback', { method: 'POST', body: text });
    for (const [index, given] of [request, ...bodies.map((body) => ({ body }))].entries()) {
      const outcome = index === 0 ? 'completed' : 'duplicate';
      expect(await rig.client.handleCallback(given)).toEqual({ httpStatus: 200, outcome, jobId: job.id });
    }
    expect((await job.result()).text).toBe('größer als 100 €');
  });

  it('is counted while it comes, and refused where it is too long', async () => {
    const { rig, job, secret, requestId } = await waitingJob({ callback: { maxBodyBytes: 2000 } });
    await using _ = rig;
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 500;
        yield Buffer.alloc(500, ' ');
      }
    }
    const text = JSON.stringify(resultOf(secret, requestId, 'é'.repeat(990)));
    expect(text.length).toBeLessThan(2000);
    for (const body of [endless(), text, Buffer.from(text), new Blob([text]).stream()]) {
      expect(await rig.client.handleCallback({ body })).toEqual({ httpStatus: 413, outcome: 'too-large' });
    }
    expect(sent).toBe(2500);
    const body = JSON.stringify(resultOf(secret, requestId, 'e'.repeat(1600)));
    expect(await rig.client.handleCallback({ body })).toMatchObject({ outcome: 'completed', jobId: job.id });
  });

  it('that is none is answered with 400, and never with an error', async () => {
    await using rig = await startCallbackRig();
    async function* broken() {
      yield Buffer.from('{"metadata"');
      throw new Error('the connection broke');
    }
    async function* odd() {
      yield { not: 'bytes' };
    }
    const read = new Request('http://localhost/', { method: 'POST', body: '{}' });
    await read.text();
    const empty = new Request('http://localhost/', { method: 'POST' });
    const bodies = [
      '',
      '{',
      '<html>',
      Buffer.from([0x22, 0xff, 0x22]),
      undefined,
      null,
      7,
      true,
      broken(),
      odd(),
    ];
    for (const request of [read, empty, ...bodies.map((body) => ({ body }))]) {
      expect(await rig.client.handleCallback(request)).toEqual({ httpStatus: 400, outcome: 'malformed' });
    }
  });

  it('that was handed in without { body } is a mistake of the route', async () => {
    await using rig = await startCallbackRig();
    for (const request of [undefined, null, 'text', { metadata: {}, results: {} }]) {
      expect(await failureOf(rig.client.handleCallback(request as never))).toMatchObject({
        name: 'BadRequestError',
        code: 'invalid_option',
      });
    }
    await using client = new TranscriptionClient();
    expect(await failureOf(client.handleCallback({ body: '{}' }))).toMatchObject({ code: 'invalid_option' });
  });
});

describe('no secret of a callback', () => {
  const PRIVATE_URL = 'http://CANARY-user:CANARY-password@127.0.0.1:9/callback?key=CANARY-query-key';

  /** A client that is watched, with one job that ends. */
  async function observe(endpoint: string, waitFor: 'end' | 'submission') {
    const storage = createMemoryStorage();
    const { client, seen } = watchedClient({
      apiKey: 'key',
      regions: [{ name: 'here', endpoint }],
      storage,
      callback: { url: PRIVATE_URL, secret: SECRET },
    });
    const job = await client.enqueue(audio, { delivery, attempts: 1, extra: 'mine:1' });
    if (waitFor === 'end')
      await client.jobs.get(job.id).then((found) => found?.result().catch(() => undefined));
    else {
      await eventually(async () => {
        expect((await storage.get('jobs', job.id))?.data).toHaveProperty('submittedAt');
      });
    }
    return { storage, client, job, seen };
  }

  it('is in an error, an event, a log or a record where Deepgram repeats what it got', async () => {
    const sent: string[] = [];
    const replies = {
      'an error': (url: string) => ({ err_code: url, err_msg: `refused ${url}`, request_id: url }),
      'no acceptance': (url: string) => ({ request_id: null, url, metadata: { request_id: url } }),
    };
    for (const [name, reply] of Object.entries(replies)) {
      await using server = await startHttpServer((request, response) => {
        const url = decodeURIComponent(decodeURIComponent(request.url ?? ''));
        sent.push(/callback_secret:(\S+?)(&|$)/.exec(url)?.[1] ?? '');
        request.resume().on('end', () => {
          send(response, { status: name === 'an error' ? 400 : 200, body: reply(url) });
        });
      });
      const { client, storage, job, seen } = await observe(server.url, 'end');
      const [, , mac = ''] = (sent.at(-1) ?? '').split('.');
      expect(mac).toHaveLength(43);
      const error = await failureOf(job.result());
      const records = await Promise.all(
        (['jobs', 'transcripts', 'webhooks'] as const).map((collection) => storage.list(collection, {})),
      );
      const text = [seen(), shown(error), inspect(records, { depth: 20 }), shown(await job.status())].join();
      expect(error.code).toBe(name === 'an error' ? 'bad_request' : 'invalid_response');
      expect(text).not.toContain('CANARY');
      expect(text).not.toContain(mac);
      await client.close();
    }
  });

  it('is in what is kept of a job that it has completed or failed', async () => {
    for (const channels of [undefined, [{ alternatives: [] }]]) {
      let mac = '';
      await using server = await startHttpServer((request, response) => {
        secret = secretIn(request.url);
        mac = secret.split('.')[2] ?? '';
        request.resume().on('end', () => send(response, { status: 200, body: { request_id: 'r-1' } }));
      });
      let secret = '';
      const { client, storage, job, seen } = await observe(server.url, 'submission');
      const good = resultOf(secret, 'r-1') as { metadata: { extra: object } };
      Object.assign(good.metadata.extra, { mine: '1' });
      const body = channels === undefined ? good : { ...good, results: { channels } };
      const result = await client.handleCallback({ body });
      expect(result.outcome).toBe(channels === undefined ? 'completed' : 'failed');
      const outcome = await job.result().catch((error: unknown) => error);
      const records = await Promise.all(
        (['jobs', 'transcripts'] as const).map((collection) => storage.list(collection, {})),
      );
      const text = [seen(), shown(outcome), shown(result), inspect(records, { depth: 20 })].join();
      expect(mac).toHaveLength(43);
      expect(text).not.toContain(mac);
      expect(text).not.toContain('CANARY');
      if (channels === undefined)
        expect(outcome).toMatchObject({ response: { metadata: { extra: { mine: '1' } } } });
      await client.close();
    }
  });

  it('is in the error of a client with a wrong option', () => {
    for (const callback of [
      { url: 'CANARY', secret: SECRET },
      { url: 'ftp://CANARY@a.test/', secret: SECRET },
      { url: 'http://a.test/', secret: SECRET },
      { url: 'https://a.test/', secret: 'CANARY' },
    ]) {
      let thrown: unknown;
      try {
        new TranscriptionClient({ callback });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'invalid_option' });
      expect(shown(thrown)).not.toContain('CANARY');
    }
  });
});

describe('the answer to a submission', () => {
  it.each([
    [
      'a transcript',
      {
        metadata: { request_id: 'r', duration: 1 },
        results: { channels: [{ alternatives: [{ transcript: 'a' }] }] },
      },
    ],
    ['an empty object', {}],
    ['null', null],
    ['an empty id', { request_id: '' }],
    ['an id that is a number', { request_id: 5 }],
    ['a list', ['request_id']],
  ])('that is %s is no acceptance', async (_what, body) => {
    await using server = await startAnswering({ status: 200, body: JSON.stringify(body) });
    await using client = clientOf(server.url, { callback: { url: 'http://127.0.0.1:9/', secret: SECRET } });
    const job = await client.enqueue(audio, { delivery });
    expect(await failureOf(job.result())).toMatchObject({
      code: 'invalid_response',
      message: expect.stringContaining('acceptance of a callback'),
    });
    expect(server.requests).toHaveLength(1);
  });
});
