import { Counter, collectDefaultMetrics, Gauge, Registry, type RegistryContentType } from 'prom-client';
import type { ClientEventOf } from 'transcription-client';
import { createPrometheus } from 'transcription-client/prometheus';
import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/errors/index.js';
import { call, counted, NAMES, parseMetrics, sampleOf, seriesOf } from './prometheus-rig.js';

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
    first.onEvent({
      ...(call('success')[0] as ClientEventOf<'request-start'>),
      type: 'attempt-start',
      attempt: 1,
    });
    second.watch({ jobs: { depth: async () => ({ waiting: 1, delayed: 1, active: 1 }) } });
    const text = await third.metrics();
    expect(await first.metrics()).toContain('transcription_routes_total');
    expect(seriesOf(text, 'transcription_requests_total')).toEqual([
      'status=success,model=nova-3,region=us: 3',
    ]);
    expect(sampleOf(text, 'deepgram_active_connections')).toBe(1);
    expect(sampleOf(text, 'transcription_queue_depth')).toBe(2);
  });

  it('counts again for a hook that is made after it was cleared', async () => {
    const registry = new Registry();
    createPrometheus({ registry, defaultMetrics: false });
    registry.clear();
    const hook = createPrometheus({ registry, defaultMetrics: false });
    for (const event of call('success')) hook.onEvent(event);
    expect(await hook.metrics()).toContain('transcription_requests_total{');
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
