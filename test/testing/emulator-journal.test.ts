import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import {
  credentialFingerprint,
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../support/manual-clock.js';
import { AUTHORIZATION, type Body, post, transcriptOf } from './emulator-http-client.js';

const WAV = synthesizeSpeech('hello big world').audio;
const PROCESSING_MS = 10_000;

let clock: ManualClock;
let emulator: DeepgramEmulator;
beforeEach(() => start({ processingMs: PROCESSING_MS }));
afterEach(() => emulator.close());

async function start(options: DeepgramEmulatorOptions): Promise<void> {
  clock = new ManualClock();
  emulator = await startDeepgramEmulator({ clock, ...options });
}

async function restart(options: DeepgramEmulatorOptions): Promise<void> {
  await emulator.close();
  await start(options);
}

/** Sends a recording, and leaves it when the signal aborts. */
async function transcribe(signal?: AbortSignal): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${emulator.url}/v1/listen`, {
    method: 'POST',
    headers: AUTHORIZATION,
    body: Buffer.from(WAV),
    ...(signal && { signal }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** Waits until so many recordings are being processed. */
function processing(count: number): Promise<void> {
  return vi.waitFor(() => expect(clock.pendingTimers).toBe(count));
}

async function health(): Promise<[number, unknown]> {
  const response = await fetch(`${emulator.url}/v1/status`);
  return [response.status, await response.json()];
}

describe('maxConcurrent', () => {
  it('answers 429 to more, and takes the next one when one has ended', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 2 });
    const taken = [transcribe(), transcribe()];
    await processing(2);
    const refused = await transcribe();
    expect(refused).toMatchObject({ status: 429, body: { err_code: 'TOO_MANY_REQUESTS' } });
    expect(refused.body.request_id).toBe(emulator.requests[2]?.requestId);
    await clock.advance(PROCESSING_MS);
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200]);
    const next = transcribe();
    await processing(1);
    await clock.advance(PROCESSING_MS);
    expect((await next).status).toBe(200);
  });

  it('refuses wrong credentials first', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 1, apiKeys: ['test-key'] });
    const taken = transcribe();
    await processing(1);
    expect((await post(emulator, '/v1/listen', WAV, { authorization: 'Token wrong' })).status).toBe(401);
    await clock.advance(PROCESSING_MS);
    expect((await taken).status).toBe(200);
  });

  it('keeps the slot of a request whose client left until its processing would have ended', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 1 });
    const leave = new AbortController();
    const left = expect(transcribe(leave.signal)).rejects.toThrow(/abort/);
    await processing(1);
    await clock.advance(1000);
    leave.abort();
    await left;
    await vi.waitFor(() => expect(emulator.requests[0]?.outcome).toBe('abandoned'));
    expect(emulator.journal.inFlight).toBe(1);
    expect((await transcribe()).status).toBe(429);
    await clock.advance(PROCESSING_MS - 1001);
    expect((await transcribe()).status).toBe(429);
    await clock.advance(1);
    expect(emulator.journal.inFlight).toBe(0);
    const [first] = emulator.requests;
    expect((first?.endedAt ?? 0) - (first?.startedAt ?? 0)).toBe(PROCESSING_MS);
    const next = transcribe();
    await processing(1);
    await clock.advance(PROCESSING_MS);
    expect((await next).status).toBe(200);
  });

  it('frees the slot of audio that cannot be decoded at once', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 1 });
    for (let round = 0; round < 2; round += 1) {
      expect((await post(emulator, '/v1/listen', new Uint8Array(10))).status).toBe(400);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts requests with callback, and answers 429 to them too', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 1 });
    const path = `/v1/listen?${new URLSearchParams({ callback: `${emulator.url}/taken` })}`;
    expect((await post(emulator, path, WAV)).status).toBe(200);
    expect((await post(emulator, path, WAV)).status).toBe(429);
    expect(emulator.journal.inFlight).toBe(1);
    await clock.advance(PROCESSING_MS);
    expect(emulator.journal.inFlight).toBe(0);
    expect((await post(emulator, path, WAV)).status).toBe(200);
  });

  it('is checked', async () => {
    await expect(startDeepgramEmulator({ maxConcurrent: 0 })).rejects.toThrow(
      /maxConcurrent: must be from 1/,
    );
    await expect(startDeepgramEmulator({ region: '' })).rejects.toThrow(/region/);
    await expect(startDeepgramEmulator({ clock: {} as never })).rejects.toThrow(/clock: .*setTimer/);
  });
});

describe('GET /v1/status', () => {
  it('is healthy without credentials, and 503 while no slot is free', async () => {
    await restart({ processingMs: PROCESSING_MS, maxConcurrent: 1 });
    const idle = { system_health: 'Healthy', active_batch_requests: 0, active_stream_requests: 0 };
    expect(await health()).toEqual([200, idle]);
    const taken = transcribe();
    await processing(1);
    expect(await health()).toEqual([503, { ...idle, system_health: 'Critical', active_batch_requests: 1 }]);
    await clock.advance(PROCESSING_MS);
    await taken;
    expect(await health()).toEqual([200, idle]);
    expect((await post(emulator, '/v1/status', {})).status).toBe(405);
  });

  it('counts live streams', async () => {
    const socket = new WebSocket(`${emulator.wsUrl}/v1/listen`, { headers: AUTHORIZATION });
    await new Promise((resolve) => socket.once('open', resolve));
    expect((await health())[1]).toMatchObject({ active_stream_requests: 1 });
    expect(emulator.journal).toMatchObject({ live: 1, maxLive: 1, maxInFlight: 0 });
    socket.terminate();
    await vi.waitFor(() => expect(emulator.journal.live).toBe(0));
    expect(emulator.requests[0]?.endedAt).toBe(clock.wallMs());
  });
});

describe('the journal', () => {
  it('knows what was in flight at each instant', async () => {
    const begin = clock.wallMs();
    const first = transcribe();
    await processing(1);
    await clock.advance(4000);
    const second = transcribe();
    await processing(2);
    await clock.advance(PROCESSING_MS);
    await Promise.all([first, second]);
    expect(emulator.journal.timeline).toEqual([
      { at: begin, inFlight: 1, live: 0 },
      { at: begin + 4000, inFlight: 2, live: 0 },
      { at: begin + 10_000, inFlight: 1, live: 0 },
      { at: begin + 14_000, inFlight: 0, live: 0 },
    ]);
    expect(emulator.journal).toMatchObject({ inFlight: 0, maxInFlight: 2 });
    expect(emulator.requests.map(({ endedAt }) => endedAt)).toEqual([begin + 10_000, begin + 14_000]);
  });

  it('counts bytes and words, and the uploads that were broken off', async () => {
    await restart({});
    await transcribe();
    await transcribe();
    const socket = connect(emulator.port, '127.0.0.1');
    socket.write('POST /v1/listen HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n12345');
    await vi.waitFor(() => expect(emulator.requests[2]?.bodyBytes).toBe(5));
    expect(emulator.journal.inFlight).toBe(1);
    socket.destroy();
    await vi.waitFor(() => expect(emulator.requests[2]?.outcome).toBe('abandoned'));
    expect(emulator.journal).toMatchObject({ bodyBytes: 2 * WAV.byteLength + 5, words: 6, inFlight: 0 });
    expect(emulator.requests.map(({ words }) => words)).toEqual([3, 3, 0]);
    expect(emulator.journal.requests).toBe(emulator.requests);
  });

  it('tells keys apart without knowing them', async () => {
    await restart({});
    for (const authorization of ['Token key-1', 'token key-2', 'Bearer a.b.c', 'nonsense']) {
      await post(emulator, '/v1/listen', WAV, { authorization });
    }
    expect(emulator.requests.map(({ credential }) => credential)).toEqual([
      { scheme: 'token', fingerprint: credentialFingerprint('key-1') },
      { scheme: 'token', fingerprint: credentialFingerprint('key-2') },
      { scheme: 'bearer', fingerprint: credentialFingerprint('a.b.c') },
      undefined,
    ]);
    expect(credentialFingerprint('key-1')).toBe(
      createHash('sha256').update('key-1').digest('hex').slice(0, 12),
    );
    expect(JSON.stringify(emulator.journal.requests)).not.toMatch(/key-[12]|a\.b\.c/);
  });

  it('names the region of each of several emulators', async () => {
    await restart({ region: 'eu' });
    await using other = await startDeepgramEmulator({ region: 'us' });
    await transcribe();
    await post(other, '/v1/listen', WAV);
    expect([emulator.journal.region, other.journal.region]).toEqual(['eu', 'us']);
    expect([emulator.requests, other.requests].map((all) => all.map(({ region }) => region))).toEqual([
      ['eu'],
      ['us'],
    ]);
  });

  it('has the outcome of all requests once the emulator is closed', async () => {
    const open = expect(transcribe()).rejects.toThrow();
    await processing(1);
    await emulator.close();
    await open;
    expect(emulator.requests[0]?.outcome).toBe('broken');
    await vi.waitFor(() => expect(emulator.journal.inFlight).toBe(0));
    expect(clock.pendingTimers).toBe(0);
  });
});

it('granted tokens expire on the clock', async () => {
  await restart({ apiKeys: ['test-key'] });
  const granted = await post(emulator, '/v1/auth/grant', { ttl_seconds: 3600 });
  const authorization = `Bearer ${String(granted.body.access_token)}`;
  await clock.advance(3_599_999);
  const { status, body } = await post(emulator, '/v1/listen', WAV, { authorization });
  expect([status, transcriptOf(body)]).toEqual([200, 'hello big world']);
  await clock.advance(1);
  expect((await post(emulator, '/v1/listen', WAV, { authorization })).status).toBe(401);
});
