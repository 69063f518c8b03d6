import type { ClientEvent } from 'transcription-client';
import { createPrometheus } from 'transcription-client/prometheus';
import { testMetricsContract } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { call, counted, job, NAMES, parseMetrics, route, sampleOf, seriesOf } from './prometheus-rig.js';

testMetricsContract(
  { describe, it },
  { create: () => createPrometheus({ defaultMetrics: false, routes: true }) },
);

describe('what a registry holds', () => {
  it('is the metrics by their names, types and buckets, in the text format', async () => {
    const prometheus = counted(call('success'));
    expect(prometheus.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const families = parseMetrics(await prometheus.metrics());
    expect([...families].map(([name, { type }]) => [name, type])).toEqual([
      ['transcription_requests_total', 'counter'],
      ['transcription_latency_seconds', 'histogram'],
      ['transcription_queue_depth', 'gauge'],
      ['deepgram_active_connections', 'gauge'],
    ]);
    for (const { help } of families.values()) expect(help).toMatch(/^[A-Z].*\.$/);
    const buckets = families
      .get('transcription_latency_seconds')
      ?.samples.filter(({ name }) => name.endsWith('_bucket'));
    expect(buckets?.map(({ labels }) => labels.le)).toEqual([
      ...['0.5', '1', '2', '5', '10', '30', '60', '120'],
      '+Inf',
    ]);
  });

  it('has the metrics of the process as well, unless they are not wanted', async () => {
    const names = [...parseMetrics(await createPrometheus().metrics()).keys()];
    expect(names).toEqual(expect.arrayContaining([...NAMES, 'process_cpu_user_seconds_total']));
    expect(names).toContain('nodejs_version_info');
  });

  it('has the decisions of the router where they are wanted', async () => {
    const events: ClientEvent[] = [
      route('sync', 'short audio'),
      route('sync', 'short audio'),
      route('async', 'a "rule"\nof \\ mine'),
    ];
    expect(await counted(events).metrics()).not.toContain('routes');
    expect(seriesOf(await counted(events, { routes: true }).metrics(), 'transcription_routes_total')).toEqual(
      ['mode=async,rule=a "rule"\nof \\ mine: 1', 'mode=sync,rule=short audio: 2'],
    );
  });
});

describe('calls', () => {
  it('count by status, model and region', async () => {
    const prometheus = counted([
      ...call('success'),
      ...call('success'),
      ...call('error', { region: 'eu' }),
      ...call('cancelled', { model: 'nova-2' }),
      ...call('success', { mode: 'stream' }),
    ]);
    expect(seriesOf(await prometheus.metrics(), 'transcription_requests_total')).toEqual([
      'status=cancelled,model=nova-2,region=us: 1',
      'status=error,model=nova-3,region=eu: 1',
      'status=success,model=nova-3,region=us: 3',
    ]);
  });

  it('that are attempts of one job count once, when it ends, for the region of the last', async () => {
    const jobId = 'job_1';
    const mode = 'async';
    const prometheus = counted([
      job(jobId, 'queued'),
      job(jobId, 'active'),
      ...call('error', { mode, jobId }),
      job(jobId, 'queued'),
      ...call('error', { mode, jobId }),
      job(jobId, 'queued'),
      ...call('success', { mode, jobId, region: 'eu' }),
    ]);
    expect(seriesOf(await prometheus.metrics(), 'transcription_requests_total')).toEqual([]);
    prometheus.onEvent(job(jobId, 'completed'));
    expect(seriesOf(await prometheus.metrics(), 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=eu: 1',
    ]);
    expect(
      sampleOf(await prometheus.metrics(), 'transcription_latency_seconds_count', { model: 'nova-3' }),
    ).toBe(1);
  });

  it('that are jobs count where they fail or are cancelled, too, with or without an attempt here', async () => {
    const [start, end] = call('cancelled', { mode: 'async', jobId: 'job_3' });
    const prometheus = counted([
      ...call('error', { mode: 'async', jobId: 'job_1' }),
      job('job_1', 'failed'),
      job('job_2', 'cancelled'),
      // The record first, then the request.
      start,
      job('job_3', 'cancelled'),
      end,
    ]);
    expect(seriesOf(await prometheus.metrics(), 'transcription_requests_total')).toEqual([
      'status=cancelled,model=nova-3,region=unknown: 1',
      'status=cancelled,model=nova-3,region=us: 1',
      'status=error,model=nova-3,region=us: 1',
    ]);
  });

  it('are observed in seconds where they succeed and have a transcript', async () => {
    const [handedIn, accepted] = call('success', { mode: 'async', jobId: 'job_1', durationMs: 50 });
    const { audioSeconds: _seconds, ...withoutSeconds } = accepted as Extract<
      ClientEvent,
      { type: 'request-end' }
    >;
    const prometheus = counted([
      ...call('success', { durationMs: 1500 }),
      ...call('success', { durationMs: 500 }),
      ...call('error', { durationMs: 90_000 }),
      ...call('cancelled', { durationMs: 90_000 }),
      ...call('success', { mode: 'stream', durationMs: 3_600_000 }),
      handedIn,
      withoutSeconds,
    ]);
    const text = await prometheus.metrics();
    const latency = (suffix: string, labels = {}): number | undefined =>
      sampleOf(text, `transcription_latency_seconds_${suffix}`, { model: 'nova-3', ...labels });
    expect([latency('count'), latency('sum')]).toEqual([2, 2]);
    expect(['0.5', '1', '2', '+Inf'].map((le) => latency('bucket', { le }))).toEqual([1, 1, 2, 2]);
  });

  it('are counted as connections while an attempt is under way, and not while they wait', async () => {
    const [start, end] = call('success');
    const { callId } = start as { callId: string };
    const shared = { callId, mode: 'sync', model: 'nova-3', region: 'us', attempt: 1 } as const;
    const prometheus = counted([start]);
    const seen: unknown[] = [];
    const steps: ClientEvent[] = [
      { type: 'attempt-start', ...shared },
      { type: 'attempt', status: 'error', durationMs: 1, ...shared },
      { type: 'attempt-start', ...shared, attempt: 2 },
      end,
      end,
    ];
    for (const step of [undefined, ...steps]) {
      if (step !== undefined) prometheus.onEvent(step);
      seen.push(sampleOf(await prometheus.metrics(), 'deepgram_active_connections'));
    }
    expect(seen).toEqual([0, 1, 0, 1, 0, 0]);
  });

  it('that are live count as connections while theirs is open', async () => {
    const [start, end] = call('success', { mode: 'stream' });
    const prometheus = counted([start]);
    const { callId } = start as { callId: string };
    const seen: unknown[] = [];
    for (const state of ['connecting', 'open', 'reconnecting', 'open', 'finishing', 'ended'] as const) {
      prometheus.onEvent({ type: 'live', state, callId, mode: 'stream', model: 'nova-3', region: 'us' });
      seen.push(sampleOf(await prometheus.metrics(), 'deepgram_active_connections'));
    }
    expect(seen).toEqual([0, 1, 0, 1, 1, 0]);
    prometheus.onEvent({ type: 'live', state: 'open', callId, mode: 'stream', model: 'm', region: 'us' });
    prometheus.onEvent(end);
    expect(sampleOf(await prometheus.metrics(), 'deepgram_active_connections')).toBe(0);
  });
});

describe('labels', () => {
  it('have a hundred values at most, and no long one', async () => {
    const models = Array.from({ length: 150 }, (_, index) => `model-${index}`);
    const prometheus = counted([
      ...call('success', { model: 'nova-3' }),
      ...call('success', { model: 'x'.repeat(101) }),
      ...models.flatMap((model) => call('success', { model })),
      ...call('success', { model: 'nova-3' }),
    ]);
    const text = await prometheus.metrics();
    expect(seriesOf(text, 'transcription_requests_total')).toHaveLength(101);
    const requests = (model: string): unknown =>
      sampleOf(text, 'transcription_requests_total', { status: 'success', region: 'us', model });
    expect([requests('nova-3'), requests('model-98'), requests('model-99'), requests('other')]).toEqual([
      2,
      1,
      undefined,
      52,
    ]);
    expect(sampleOf(text, 'transcription_latency_seconds_count', { model: 'other' })).toBe(52);
  });

  it('are bounded for regions and rules too', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `name-${index}`);
    const prometheus = counted(
      many.flatMap((name) => [...call('error', { region: name }), route('sync', name)]),
      { routes: true },
    );
    const text = await prometheus.metrics();
    expect(seriesOf(text, 'transcription_requests_total')).toHaveLength(101);
    expect(seriesOf(text, 'transcription_routes_total')).toHaveLength(101);
  });

  it('keep the region of ten thousand running jobs', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    for (let index = 0; index <= 10_000; index += 1) {
      prometheus.onEvent(call('error', { mode: 'async', jobId: `job_${index}` })[0]);
    }
    for (const jobId of ['job_0', 'job_1']) prometheus.onEvent(job(jobId, 'completed'));
    expect(seriesOf(await prometheus.metrics(), 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=unknown: 1',
      'status=success,model=nova-3,region=us: 1',
    ]);
  });
});
