import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultServer, startHttpServer } from '../../support/fault-server.js';
import { bearer, type HttpRig, startHttpRig, wavOf } from './rig.js';
import { openUpload, startRigServer } from './rig-server.js';

const MAX_AUDIO_BYTES = 2_000_000;
/** The first call loads code. */
const SOON = { timeout: 10_000 };

let rig: HttpRig;
let server: FaultServer;
let failures: string[];

beforeEach(async () => {
  failures = [];
  rig = await startHttpRig({
    http: {
      limits: { maxAudioBytes: MAX_AUDIO_BYTES },
      onError: (error) => failures.push(error.code),
    },
  });
  server = await startRigServer(rig);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

/** What became of the requests that Deepgram got. */
function outcomes(): readonly (string | undefined)[] {
  return rig.emulator.requests.map(({ outcome }) => outcome);
}

describe('an upload over HTTP', () => {
  it('flows to Deepgram while it comes', async () => {
    const audio = wavOf('as it comes');
    const { request, answer } = openUpload(server);
    request.write(audio.subarray(0, 20_000));
    await expect.poll(() => rig.emulator.requests[0]?.bodyBytes ?? 0, SOON).toBeGreaterThanOrEqual(20_000);
    request.end(audio.subarray(20_000));
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(JSON.parse(body).transcript.text).toBe('as it comes');
    expect(rig.emulator.requests[0]?.bodyBytes).toBe(audio.byteLength);
  });

  it('above the limit gets its 413 while it is still coming, chunked and without a length (S6)', async () => {
    const { request, answer } = openUpload(server);
    const chunk = Buffer.alloc(100_000);
    let isAnswered = false;
    void answer
      .catch(() => undefined)
      .then(() => {
        isAnswered = true;
      });
    while (!isAnswered) {
      if (!request.write(chunk))
        await Promise.race([new Promise((done) => request.once('drain', done)), answer]);
    }
    const { status, body } = await answer;
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'payload_too_large', status: 413 });
    await expect.poll(outcomes, SOON).toEqual(['abandoned']);
    expect(rig.emulator.requests[0]?.bodyBytes).toBeLessThanOrEqual(MAX_AUDIO_BYTES);
    request.destroy();
  });

  it('that announces too much gets its 413 before a byte has come (S6)', async () => {
    const { request, answer } = openUpload(server, { 'content-length': String(MAX_AUDIO_BYTES + 1) });
    request.flushHeaders();
    expect((await answer).status).toBe(413);
    expect(outcomes()).toEqual([]);
    request.destroy();
  });

  it('of exactly the limit is taken', async () => {
    const { request, answer } = openUpload(server);
    const audio = wavOf('exactly');
    // Silence behind the speech.
    request.write(audio);
    request.end(Buffer.alloc(MAX_AUDIO_BYTES - audio.byteLength));
    expect((await answer).status).toBe(200);
  });

  it('that breaks off ends the call at Deepgram, frees its connection, and is no failure of the server', async () => {
    const { request } = openUpload(server);
    request.write(wavOf('broken off').subarray(0, 20_000));
    await expect.poll(() => rig.emulator.requests[0]?.bodyBytes ?? 0, SOON).toBeGreaterThan(0);
    request.destroy();
    await expect.poll(outcomes, SOON).toEqual(['abandoned']);
    await expect.poll(() => server.connections(), SOON).toBe(0);
    expect(failures).toEqual([]);
  });

  it('is answered early where Deepgram refuses it, and the server goes on', async () => {
    rig.emulator.faults.next(402);
    const { request, answer } = openUpload(server);
    request.end(wavOf('no money'));
    expect((await answer).status).toBe(502);
    const again = openUpload(server);
    again.request.end(wavOf('again'));
    expect((await again.answer).status).toBe(200);
  });
});

describe('an upload that Deepgram does not take', () => {
  it('waits where it comes from, and not in memory', async () => {
    await using deaf = await startHttpServer(() => undefined);
    await using slow = await startHttpRig({ client: { regions: [{ name: 'deaf', endpoint: deaf.url }] } });
    const leaving = new AbortController();
    let bytes = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        bytes += 100_000;
        controller.enqueue(new Uint8Array(100_000));
        // Far more than sockets take.
        if (bytes > 100_000_000) controller.close();
      },
    });
    const answering = slow.handlers.fetch(
      new Request('http://api.test/transcribe', {
        method: 'POST',
        headers: { 'content-type': 'audio/wav', ...bearer('ada') },
        body,
        signal: leaving.signal,
        ...{ duplex: 'half' },
      }),
    );
    await expect.poll(() => deaf.requests.length, SOON).toBe(1);
    let before = -1;
    await expect
      .poll(() => {
        const isStill = bytes === before;
        before = bytes;
        return isStill;
      }, SOON)
      .toBe(true);
    expect(bytes).toBeLessThan(30_000_000);
    leaving.abort();
    expect((await answering).status).toBe(499);
  });
});

describe('whoever leaves while Deepgram works', () => {
  it('ends a synchronous call down to its HTTP request', async () => {
    rig.emulator.faults.next({ kind: 'delay', ms: 60_000 });
    const { request } = openUpload(server, { 'content-type': 'application/json' });
    request.end(JSON.stringify({ audioUrl: rig.emulator.serveAudio(wavOf('left')) }));
    await expect.poll(() => rig.emulator.requests.some(({ path }) => path === '/v1/listen'), SOON).toBe(true);
    request.destroy();
    await expect.poll(outcomes, SOON).toEqual(['abandoned']);
    expect(failures).toEqual([]);
  });

  it('does not end a job', async () => {
    const { request, answer } = openUpload(server, { 'content-type': 'application/json' });
    request.end(JSON.stringify({ mode: 'async', audioUrl: rig.emulator.serveAudio(wavOf('kept')) }));
    const { jobId } = JSON.parse((await answer).body);
    request.destroy();
    expect((await (await rig.client.jobs.get(jobId))?.result())?.text).toBe('kept');
  });
});
