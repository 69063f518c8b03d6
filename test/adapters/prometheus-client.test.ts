import { type ClientOptions, TranscriptionClient } from 'transcription-client';
import { createHandlers } from 'transcription-client/http';
import { createPrometheus, type Prometheus } from 'transcription-client/prometheus';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryQueue } from '../../src/adapters/memory/queue.js';
import { parseMetrics, sampleOf, seriesOf } from './prometheus-rig.js';

const KEY = 'CANARY-key-0123456789';
const TEXT = 'canary bird';
const AUDIO = synthesizeSpeech(TEXT).audio;

let emulator: DeepgramEmulator;
const clients: TranscriptionClient[] = [];

beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close({ timeoutMs: 0 });
  await emulator.close();
});

function open(prometheus: Prometheus, options: ClientOptions = {}): TranscriptionClient {
  const client = new TranscriptionClient({
    apiKey: KEY,
    regions: [{ name: 'here', endpoint: emulator.url }],
    retry: { minDelayMs: 1, maxDelayMs: 1 },
    metrics: [prometheus],
    ...options,
  });
  clients.push(client);
  return prometheus.watch(client);
}

const requestsOf = async (prometheus: Prometheus): Promise<readonly string[]> =>
  seriesOf(await prometheus.metrics(), 'transcription_requests_total');

describe('a client with the hook', () => {
  it('counts a call once, whatever its attempts', async () => {
    const prometheus = createPrometheus();
    const client = open(prometheus);
    emulator.faults.next({ kind: 'status', status: 503 }, 2);
    await client.transcribe(AUDIO);
    expect(emulator.requests).toHaveLength(3);
    expect(await requestsOf(prometheus)).toEqual(['status=success,model=nova-3,region=here: 1']);
    const text = await prometheus.metrics();
    expect(sampleOf(text, 'transcription_latency_seconds_count', { model: 'nova-3' })).toBe(1);
    expect(sampleOf(text, 'deepgram_active_connections')).toBe(0);
  });

  it('counts a job once, whatever its attempts', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    const client = open(prometheus, { queue: { backoffMs: 1 } });
    emulator.faults.next({ kind: 'status', status: 500 }, 2);
    const job = await client.enqueue(emulator.serveAudio(AUDIO));
    expect((await job.result({ timeoutMs: 10_000 })).text).toBe(TEXT);
    await expect.poll(() => requestsOf(prometheus)).toEqual(['status=success,model=nova-3,region=here: 1']);
    expect(emulator.requests.filter(({ path }) => path === '/v1/listen')).toHaveLength(3);
  });

  it('counts a job that fails, and one that is cancelled before it began', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    const client = open(prometheus, { queue: { autoStart: false, backoffMs: 1 } });
    const url = emulator.serveAudio(AUDIO);
    const cancelled = await client.enqueue(url);
    await client.enqueue(url, { delayMs: 60_000 });
    expect(sampleOf(await prometheus.metrics(), 'transcription_queue_depth')).toBe(2);
    await cancelled.cancel();
    emulator.faults.next({ kind: 'status', status: 403 });
    const failing = await client.enqueue(url);
    client.startWorker();
    await expect(failing.result({ timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'forbidden' });
    await expect
      .poll(() => requestsOf(prometheus))
      .toEqual([
        'status=cancelled,model=nova-3,region=unknown: 1',
        'status=error,model=nova-3,region=here: 1',
      ]);
    expect(sampleOf(await prometheus.metrics(), 'transcription_queue_depth')).toBe(1);
  });

  it('shows a request under way, and a live session', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    const active = async (): Promise<unknown> =>
      sampleOf(await prometheus.metrics(), 'deepgram_active_connections');
    const client = open(prometheus);
    const controller = new AbortController();
    emulator.faults.next({ kind: 'delay', ms: 60_000 });
    const call = client.transcribe(AUDIO, { signal: controller.signal }).catch(() => undefined);
    await expect.poll(() => emulator.requests.length).toBe(1);
    expect(await active()).toBe(1);
    const live = client.stream({ encoding: 'linear16', sample_rate: 16_000 });
    await live.opened;
    await expect.poll(active).toBe(2);
    controller.abort();
    await call;
    await live.finish();
    await expect.poll(active).toBe(0);
    expect(await requestsOf(prometheus)).toEqual([
      'status=cancelled,model=nova-3,region=here: 1',
      'status=success,model=nova-3,region=here: 1',
    ]);
  });

  it('shares it with another client, which may be closed first', async () => {
    const prometheus = createPrometheus();
    const first = open(prometheus);
    const second = open(prometheus);
    await Promise.all([first.transcribe(AUDIO), second.transcribe(AUDIO)]);
    await first.close();
    await second.transcribe(AUDIO);
    const text = await prometheus.metrics();
    expect(seriesOf(text, 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=here: 3',
    ]);
    expect(sampleOf(text, 'transcription_queue_depth')).toBe(0);
    expect(sampleOf(text, 'process_start_time_seconds')).toBeGreaterThan(0);
  });

  it('is what the handlers serve', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    const client = open(prometheus);
    await client.transcribe(AUDIO);
    const { fetch } = createHandlers(client, {
      authorize: () => ({ userId: 'prometheus', scopes: ['metrics'] }),
      metrics: prometheus,
    });
    const answer = await fetch(new Request('http://127.0.0.1/metrics'));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, prometheus.contentType]);
    expect(seriesOf(await answer.text(), 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=here: 1',
    ]);
  });

  it('counts the decisions of its router', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false, routes: true });
    const client = open(prometheus);
    await client.submit(AUDIO, { mode: 'sync' });
    const [series, ...others] = seriesOf(await prometheus.metrics(), 'transcription_routes_total');
    expect(others).toEqual([]);
    expect(series).toMatch(/^mode=sync,rule=.+: 1$/);
  });
});

describe('the text of the metrics', () => {
  it('shows no transcript, no key, no token and no URL', async () => {
    const prometheus = createPrometheus({ routes: true });
    const queue = createMemoryQueue();
    const client = open(prometheus, { queue: { adapter: queue, backoffMs: 1 } });
    const url = emulator.serveAudio(AUDIO, { path: '/CANARY-path?sig=CANARY-signature' });
    const call = { userId: 'CANARY-user', metadata: { note: 'CANARY-note' }, idempotencyKey: 'CANARY-id' };
    await client.transcribe(url, call);
    await (await client.enqueue(url, { userId: 'CANARY-user' })).result({ timeoutMs: 10_000 });
    await client.submit(AUDIO, { userId: 'CANARY-user', metadata: { note: 'CANARY-note' } });
    await client.grantToken();
    for (const status of [401, 403, 422, 500, 503] as const) {
      emulator.faults.next({ kind: 'status', status });
      await client.transcribe(url, { retry: { attempts: 1 } }).catch(() => undefined);
    }
    await client.transcribe('https://user:CANARY-pass@127.0.0.1:1/CANARY.wav').catch(() => undefined);
    const live = client.stream({ encoding: 'linear16', sample_rate: 16_000, userId: 'CANARY-user' });
    await live.send(AUDIO.subarray(44));
    expect((await live.finish()).text).not.toBe('');
    const text = await prometheus.metrics();
    expect(parseMetrics(text).size).toBeGreaterThan(20);
    expect(text).toContain('status="error"');
    expect(text).not.toMatch(/canary|https?:|wss?:|127\.0\.0\.1/i);
  });
});
