import { connect } from 'node:net';
import {
  type DeepgramEmulator,
  type ErrorShape,
  type FaultStatus,
  type HttpFaultInput,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../support/manual-clock.js';
import { AUTHORIZATION, type Body, post, transcriptOf } from './emulator-http-client.js';

const TEXT = 'hello big world';
const WAV = synthesizeSpeech(TEXT).audio;
const STATUSES: FaultStatus[] = [401, 402, 403, 408, 413, 422, 429, 500, 502, 503, 504];
const SHAPES: ErrorShape[] = ['err_code', 'category', 'text'];

let clock: ManualClock;
let emulator: DeepgramEmulator;
beforeEach(async () => {
  clock = new ManualClock();
  emulator = await startDeepgramEmulator({ clock });
});
afterEach(() => emulator.close());

function upload(init: RequestInit = {}): Promise<Response> {
  return fetch(`${emulator.url}/v1/listen`, {
    method: 'POST',
    headers: { 'content-type': 'audio/wav', ...AUTHORIZATION },
    body: Buffer.from(WAV),
    ...init,
  });
}

/** The code of the error with which `fetch`, or reading its answer, failed. */
async function failureOf(answer: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return ((error as Error | undefined)?.cause as NodeJS.ErrnoException | undefined)?.code;
}

const only = () => emulator.requests[0];

describe('a status', () => {
  it.each(STATUSES.flatMap((status) => SHAPES.map((shape) => [status, shape] as const)))(
    '%i comes in the shape %s',
    async (status, shape) => {
      emulator.faults.next({ kind: 'status', status, shape });
      const response = await upload();
      const text = await response.text();
      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBeNull();
      const requestId = response.headers.get('dg-request-id');
      expect(requestId).toBe(only()?.requestId);
      if (shape === 'text') {
        expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
        expect(() => JSON.parse(text)).toThrow();
      } else {
        const keys = shape === 'err_code' ? ['err_code', 'err_msg'] : ['category', 'details', 'message'];
        const body = JSON.parse(text) as Record<string, string>;
        expect(Object.keys(body).sort()).toEqual([...keys, 'request_id']);
        expect(body.request_id).toBe(requestId);
      }
      expect(only()).toMatchObject({ faults: ['status'], status, bodyBytes: WAV.byteLength, words: 0 });
    },
  );

  it('uses the codes that Deepgram names', async () => {
    for (const [status, code] of [
      [401, 'INVALID_AUTH'],
      [402, 'ASR_PAYMENT_REQUIRED'],
      [408, 'SLOW_UPLOAD'],
      [422, 'ASR_UNPROCESSABLE_ENTITY'],
      [429, 'TOO_MANY_REQUESTS'],
    ] as const) {
      emulator.faults.next(status);
      expect((await post(emulator, '/v1/listen', WAV)).body.err_code).toBe(code);
    }
  });

  it.each([
    [7, '7'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
  ])('sends Retry-After %s', async (retryAfter, header) => {
    emulator.faults.next({ kind: 'status', status: 429, retryAfter });
    expect((await upload()).headers.get('retry-after')).toBe(header);
  });
});

describe('a 200 that is no transcript', () => {
  it.each<[HttpFaultInput, RegExp, (text: string) => void]>([
    ['html', /^text\/html/, (text) => expect(text).toMatch(/^<!doctype html>/)],
    ['null', /^application\/json/, (text) => expect(text).toBe('null')],
    ['empty', /^application\/json/, (text) => expect(text).toBe('')],
    ['otherJson', /^application\/json/, (text) => expect(JSON.parse(text)).not.toHaveProperty('results')],
    [{ kind: 'truncatedJson', delimited: true }, /json/, (text) => expect(() => JSON.parse(text)).toThrow()],
  ])('%s', async (fault, contentType, check) => {
    emulator.faults.next(fault);
    const response = await upload();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(contentType);
    expect(response.headers.get('dg-request-id')).toBe(only()?.requestId);
    const text = await response.text();
    expect(response.headers.get('content-length')).toBe(String(text.length));
    check(text);
    expect(only()?.outcome).toBe('answered');
  });

  it('redirect leads to a page of HTML', async () => {
    emulator.faults.next('redirect', 2);
    const followed = await upload();
    expect([followed.redirected, followed.status]).toEqual([true, 200]);
    expect(await followed.text()).toMatch(/^<!doctype html>/);
    const raw = await upload({ redirect: 'manual' });
    expect([raw.status, raw.headers.get('location')]).toEqual([302, '/login.html']);
  });
});

describe('a connection that fails', () => {
  it('refuse closes it before the upload is read', async () => {
    emulator.faults.next('refuse');
    expect(await failureOf(upload())).toMatch(/^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/);
    await vi.waitFor(() => expect(only()?.outcome).toBe('broken'));
    expect(only()).toMatchObject({ bodyBytes: 0, status: undefined, faults: ['refuse'] });
    expect((await upload()).status).toBe(200);
  });

  it.each([
    ['beforeUpload', 0],
    ['afterUpload', WAV.byteLength],
  ] as const)('reset %s sends an RST', async (when, bytes) => {
    emulator.faults.next({ kind: 'reset', when });
    // Below HTTP, where an RST and a FIN are told apart.
    const socket = connect(emulator.port, '127.0.0.1');
    const error = new Promise<NodeJS.ErrnoException>((resolve) => socket.on('error', resolve));
    const head = `POST /v1/listen HTTP/1.1\r\nhost: x\r\nauthorization: Token k\r\ncontent-length: ${WAV.byteLength}\r\n\r\n`;
    socket.write(head);
    if (when === 'afterUpload') socket.write(WAV);
    expect((await error).code).toBe('ECONNRESET');
    await vi.waitFor(() => expect(only()?.outcome).toBe('broken'));
    expect(only()?.bodyBytes).toBe(bytes);
  });

  it('noHeaders processes the audio and says nothing', async () => {
    emulator.faults.next('noHeaders');
    const leave = new AbortController();
    const answer = upload({ signal: leave.signal });
    answer.catch(() => undefined);
    await vi.waitFor(() => expect(only()?.words).toBe(3));
    expect(only()).toMatchObject({ status: undefined, outcome: undefined });
    expect(emulator.journal.inFlight).toBe(1);
    leave.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await vi.waitFor(() => expect(only()?.outcome).toBe('abandoned'));
    expect(emulator.journal.inFlight).toBe(0);
  });

  it('truncatedJson ends before the length that it promised', async () => {
    emulator.faults.next('truncatedJson');
    const response = await upload();
    expect(response.status).toBe(200);
    expect(await failureOf(response.text())).toBe('UND_ERR_SOCKET');
    await vi.waitFor(() => expect(only()?.outcome).toBe('broken'));
  });
});

describe('a slow answer', () => {
  it('delay waits on the clock, then answers as usual', async () => {
    emulator.faults.next({ kind: 'delay', ms: 60_000 });
    let isAnswered = false;
    const answer = post(emulator, '/v1/listen', WAV).finally(() => {
      isAnswered = true;
    });
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    await clock.advance(59_999);
    expect([isAnswered, only()?.status]).toEqual([false, undefined]);
    await clock.advance(1);
    expect(transcriptOf((await answer).body)).toBe(TEXT);
    expect((only()?.endedAt ?? 0) - (only()?.startedAt ?? 0)).toBe(60_000);
  });

  it('delay ends when the client leaves', async () => {
    emulator.faults.next({ kind: 'delay', ms: 60_000 });
    const leave = new AbortController();
    const answer = expect(upload({ signal: leave.signal })).rejects.toThrow();
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    leave.abort();
    await answer;
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
  });

  it.each([undefined, 0, 10])('stalledBody stops after %s bytes', async (afterBytes) => {
    emulator.faults.next({ kind: 'stalledBody', ...(afterBytes !== undefined && { afterBytes }) });
    const leave = new AbortController();
    const response = await upload({ signal: leave.signal });
    const length = Number(response.headers.get('content-length'));
    const expected = afterBytes ?? Math.floor(length / 2);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of response.body ?? []) received += (chunk as Uint8Array).byteLength;
    })();
    reading.catch(() => undefined);
    await vi.waitFor(() => expect(received).toBe(expected));
    await clock.advance(3_600_000);
    expect([received, only()?.status, only()?.outcome]).toEqual([expected, 200, undefined]);
    leave.abort();
    await expect(reading).rejects.toThrow();
    await vi.waitFor(() => expect(only()?.outcome).toBe('abandoned'));
  });

  it('trickledBody sends a few bytes in each interval', async () => {
    emulator.faults.next({ kind: 'trickledBody', bytes: 100, intervalMs: 1000 });
    const response = await upload();
    const length = Number(response.headers.get('content-length'));
    let text = '';
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array);
    })();
    for (let sent = 100; sent < length; sent += 100) {
      await clock.advance(1000);
      await vi.waitFor(() => expect(text.length).toBe(sent));
    }
    await clock.advance(1000);
    await reading;
    expect(transcriptOf(JSON.parse(text) as Body)).toBe(TEXT);
    expect((only()?.endedAt ?? 0) - (only()?.startedAt ?? 0)).toBe(Math.ceil(length / 100) * 1000);
  });

  it('close() ends what a fault keeps waiting', async () => {
    emulator.faults.next({ kind: 'delay', ms: 60_000 });
    const answer = expect(upload()).rejects.toThrow();
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1));
    await emulator.close();
    await answer;
    expect([clock.pendingTimers, only()?.outcome]).toEqual([0, 'broken']);
  });
});
