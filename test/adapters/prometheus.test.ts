import { Counter, collectDefaultMetrics, Gauge, Registry, type RegistryContentType } from 'prom-client';
import type { ClientEvent } from 'transcription-client';
import { createPrometheus } from 'transcription-client/prometheus';
import { testMetricsContract } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/errors/index.js';
import { parseMetrics, sampleOf, seriesOf } from './prometheus-rig.js';

const NAMES = [
  'transcription_requests_total',
  'transcription_latency_seconds',
  'transcription_queue_depth',
  'deepgram_active_connections',
];

testMetricsContract(
  { describe, it },
  { create: () => createPrometheus({ defaultMetrics: false, routes: true }) },
);

let calls = 0;

type Mode = 'sync' | 'async' | 'stream';

/** The events of one attempt of a job, or of one call. */
function call(
  status: 'success' | 'error' | 'cancelled',
  {
    mode = 'sync' as Mode,
    jobId = undefined as string | undefined,
    model = 'nova-3',
    region = 'us',
    durationMs = 700,
  } = {},
): [ClientEvent, ClientEvent] {
  calls += 1;
  const fields = { callId: `call_${calls}`, mode, model, region, ...(jobId !== undefined && { jobId }) };
  return [
    { type: 'request-start', source: 'url', ...fields },
    {
      type: 'request-end',
      status,
      durationMs,
      waitedMs: 5000,
      attempts: 1,
      ...(status === 'success' && { audioSeconds: 10 }),
      ...fields,
    },
  ];
}

function job(jobId: string, state: 'queued' | 'active' | 'completed' | 'failed' | 'cancelled'): ClientEvent {
  return { type: 'job', jobId, state, attempt: 1, model: 'nova-3' };
}

function route(mode: Mode, rule: string): ClientEvent {
  const load = { saturated: false, waiting: 0, regionFailing: false };
  return {
    type: 'route',
    mode,
    rule,
    facts: { live: false, queueable: true, allowAsync: false, load, userId: 'CANARY-user' },
  };
}

function counted(events: readonly ClientEvent[], options: Parameters<typeof createPrometheus>[0] = {}) {
  const prometheus = createPrometheus({ defaultMetrics: false, ...options });
  for (const event of events) prometheus.onEvent(event);
  return prometheus;
}

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

  it('are counted as connections between their start and their end', async () => {
    const [start, end] = call('success');
    const [other] = call('error', { mode: 'async', jobId: 'job_1' });
    const prometheus = counted([start, start, other]);
    const active = async (): Promise<unknown> =>
      sampleOf(await prometheus.metrics(), 'deepgram_active_connections');
    expect(await active()).toBe(2);
    prometheus.onEvent(end);
    prometheus.onEvent(end);
    expect(await active()).toBe(1);
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

describe('the depth of the queue', () => {
  const client = (depth: () => Promise<{ waiting: number; delayed: number; active: number }>) => ({
    jobs: { depth },
  });
  const depthOf = async (prometheus: ReturnType<typeof createPrometheus>): Promise<unknown> =>
    sampleOf(await prometheus.metrics(), 'transcription_queue_depth');

  it('is asked for at each scrape, of all clients that are watched', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    expect(await depthOf(prometheus)).toBeUndefined();
    let waiting = 3;
    const watched = client(async () => ({ waiting, delayed: 2, active: 100 }));
    expect(prometheus.watch(watched)).toBe(watched);
    prometheus.watch(watched);
    expect(await depthOf(prometheus)).toBe(5);
    waiting = 0;
    expect(await depthOf(prometheus)).toBe(2);
    prometheus.watch(client(async () => ({ waiting: 10, delayed: 0, active: 0 })));
    expect(await depthOf(prometheus)).toBe(12);
  });

  it('is left out where a queue fails, and comes back with it', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    let isDown = false;
    prometheus.watch(
      client(() => {
        if (isDown) throw new Error('CANARY');
        return Promise.resolve({ waiting: 1, delayed: 0, active: 0 });
      }),
    );
    expect(await depthOf(prometheus)).toBe(1);
    isDown = true;
    const text = await prometheus.metrics();
    expect(parseMetrics(text).get('transcription_queue_depth')?.samples).toEqual([]);
    expect(text).not.toContain('CANARY');
    isDown = false;
    expect(await depthOf(prometheus)).toBe(1);
  });

  it('holds up no scrape where a queue hangs', async () => {
    const prometheus = counted(call('success'));
    prometheus.watch(client(() => new Promise(() => undefined)));
    const startedAt = performance.now();
    const text = await prometheus.metrics();
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(sampleOf(text, 'transcription_queue_depth')).toBeUndefined();
    expect(seriesOf(text, 'transcription_requests_total')).toHaveLength(1);
  });

  it('is that of the open clients', async () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    let asked = 0;
    prometheus.watch(
      client(() => {
        asked += 1;
        return Promise.reject(new AbortedError('closed', { code: 'client_closed' }));
      }),
    );
    prometheus.watch(client(async () => ({ waiting: 4, delayed: 0, active: 0 })));
    expect([await depthOf(prometheus), await depthOf(prometheus), asked]).toEqual([4, 4, 1]);
  });
});

describe('a registry of the application', () => {
  it('gets the metrics beside its own', async () => {
    const registry = new Registry();
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] }).inc(7);
    const prometheus = createPrometheus({ registry });
    expect(prometheus.registry).toBe(registry);
    for (const event of call('success')) prometheus.onEvent(event);
    const text = await registry.metrics();
    expect(sampleOf(text, 'orders_total')).toBe(7);
    expect(sampleOf(text, 'process_start_time_seconds')).toBeGreaterThan(0);
    expect(seriesOf(text, 'transcription_requests_total')).toHaveLength(1);
  });

  it.each([undefined, 'shop_'])('keeps its own metrics of the process, prefix %s', async (prefix) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry, ...(prefix !== undefined && { prefix }) });
    const before = registry.getMetricsAsArray().length;
    createPrometheus({ registry });
    expect(registry.getMetricsAsArray()).toHaveLength(before + NAMES.length);
  });

  it('counts for several hooks in the same metrics', async () => {
    const registry = new Registry();
    const first = createPrometheus({ registry, defaultMetrics: false });
    const second = createPrometheus({ registry, routes: true });
    const third = createPrometheus({ registry });
    for (const hook of [first, second, third]) for (const event of call('success')) hook.onEvent(event);
    first.onEvent(call('success')[0]);
    second.watch({ jobs: { depth: async () => ({ waiting: 1, delayed: 1, active: 1 }) } });
    const text = await third.metrics();
    expect(await first.metrics()).toContain('transcription_routes_total');
    expect(seriesOf(text, 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=us: 3',
    ]);
    expect(sampleOf(text, 'deepgram_active_connections')).toBe(1);
    expect(sampleOf(text, 'transcription_queue_depth')).toBe(2);
  });

  it('may have its own labels, and speak OpenMetrics', async () => {
    const registry = new Registry<RegistryContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    registry.setDefaultLabels({ service: 'shop' });
    const prometheus = createPrometheus({ registry });
    for (const event of call('success')) prometheus.onEvent(event);
    expect(prometheus.contentType).toMatch(/^application\/openmetrics-text; version=1/);
    const text = await prometheus.metrics();
    expect(text).toContain('# TYPE transcription_requests counter');
    expect(text).toMatch(/^transcription_requests_total\{status="success",.*service="shop"\} 1$/m);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  it('is refused where another metric has such a name, and stays as it was', () => {
    const registry = new Registry();
    new Gauge({ name: 'deepgram_active_connections', help: 'Mine.', registers: [registry] });
    expect(() => createPrometheus({ registry })).toThrow(
      expect.objectContaining({
        name: 'BadRequestError',
        code: 'invalid_option',
        message: expect.stringContaining('deepgram_active_connections'),
      }),
    );
    expect(registry.getMetricsAsArray()).toHaveLength(1);
  });
});

describe('options of createPrometheus()', () => {
  it.each<[string, object]>([
    ['registry', { registry: {} }],
    ['registry', { registry: null }],
    ['defaultMetrics', { defaultMetrics: 'no' }],
    ['routes', { routes: 1 }],
    ['prefix', { prefix: 'mine_' }],
  ])('refuse a wrong %s', (name, options) => {
    expect(() => createPrometheus(options)).toThrow(
      expect.objectContaining({ name: 'BadRequestError', message: expect.stringContaining(name) }),
    );
  });

  it('refuse to watch what is no client', () => {
    const prometheus = createPrometheus({ defaultMetrics: false });
    for (const wrong of [undefined, null, {}, { jobs: {} }]) {
      expect(() => prometheus.watch(wrong as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option' }),
      );
    }
  });
});
