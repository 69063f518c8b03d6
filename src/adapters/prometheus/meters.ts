import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallStatus, ClientEvent, ClientEventOf } from '../../contracts/events.js';
import type { JobState } from '../../contracts/job.js';
import { BadRequestError } from '../../errors/index.js';
import { JobRegions } from './job-regions.js';
import { LabelValues } from './label-values.js';
import { QueueDepths, type WatchedClient } from './queue-depth.js';

const NAMES = {
  requests: 'transcription_requests_total',
  latency: 'transcription_latency_seconds',
  depth: 'transcription_queue_depth',
  connections: 'deepgram_active_connections',
  routes: 'transcription_routes_total',
} as const;

const LATENCY_BUCKETS = [0.5, 1, 2, 5, 10, 30, 60, 120];

/** One of them is enough to know that somebody collects prom-client's default metrics, perhaps with a prefix. */
const DEFAULT_METRICS = /(process_cpu_seconds_total|nodejs_eventloop_lag_seconds|nodejs_version_info)$/;

const ENDS: Readonly<Partial<Record<JobState, CallStatus>>> = {
  completed: 'success',
  failed: 'error',
  cancelled: 'cancelled',
};

/** What a registry counts, for all hooks that use it. */
export class Meters {
  readonly #registry: Registry;
  readonly #requests: Counter<'status' | 'model' | 'region'>;
  readonly #latency: Histogram<'model'>;
  #routes: Counter<'mode' | 'rule'> | undefined;
  readonly #models = new LabelValues();
  readonly #regions = new LabelValues();
  readonly #rules = new LabelValues();
  readonly #jobRegions = new JobRegions();
  readonly #depths = new QueueDepths();
  /** Ids of the calls whose request is under way, and of the live sessions that have a connection. */
  readonly #connections = new Set<string>();

  /** @throws BadRequestError where the registry has metrics of these names that are somebody else's. */
  constructor(registry: Registry) {
    this.#registry = registry;
    for (const name of Object.values(NAMES)) assertFree(registry, name);
    const registers = [registry];
    this.#requests = new Counter({
      name: NAMES.requests,
      help: 'Calls that have ended, by status. A job is one call, whatever its attempts.',
      labelNames: ['status', 'model', 'region'],
      registers,
    });
    this.#latency = new Histogram({
      name: NAMES.latency,
      help: 'From the moment a call leaves the queue of the limit to its transcript. Not of live sessions.',
      labelNames: ['model'],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    const depths = this.#depths;
    new Gauge({
      name: NAMES.depth,
      help: 'Jobs that wait, with those that are delayed.',
      registers,
      async collect() {
        const total = await depths.total();
        // A figure of the last scrape would be a wrong one.
        if (total === undefined) this.remove();
        else this.set(total);
      },
    });
    const connections = this.#connections;
    new Gauge({
      name: NAMES.connections,
      help: 'Requests to Deepgram that are under way, and live sessions with an open connection.',
      registers,
      collect() {
        this.set(connections.size);
      },
    });
  }

  get isRegistered(): boolean {
    return this.#registry.getSingleMetric(NAMES.requests) !== undefined;
  }

  watch(client: WatchedClient): void {
    this.#depths.watch(client);
  }

  collectDefaults(): void {
    const names = this.#registry.getMetricsAsArray().map(({ name }) => name);
    if (names.some((name) => DEFAULT_METRICS.test(name))) return;
    collectDefaultMetrics({ register: this.#registry });
  }

  countRoutes(): void {
    this.#routes ??= new Counter({
      name: NAMES.routes,
      help: 'Decisions of the router.',
      labelNames: ['mode', 'rule'],
      registers: [this.#registry],
    });
  }

  see(event: ClientEvent): void {
    if (event.type === 'request-start') this.#begun(event);
    else if (event.type === 'attempt-start') this.#connections.add(event.callId);
    else if (event.type === 'attempt') this.#connections.delete(event.callId);
    else if (event.type === 'live') this.#moved(event);
    else if (event.type === 'request-end') this.#ended(event);
    else if (event.type === 'job') this.#jobChanged(event);
    else if (event.type === 'route') this.#routed(event);
  }

  #begun({ jobId, region }: ClientEventOf<'request-start'>): void {
    if (jobId !== undefined) this.#jobRegions.begin(jobId, region);
  }

  #moved({ state, callId }: ClientEventOf<'live'>): void {
    if (state === 'open') this.#connections.add(callId);
    else if (state !== 'finishing') this.#connections.delete(callId);
  }

  #ended(event: ClientEventOf<'request-end'>): void {
    const { callId, jobId, region, status, model, durationMs } = event;
    this.#connections.delete(callId);
    if (jobId === undefined) this.#count(status, model, region);
    else this.#jobRegions.move(jobId, region);
    if (status === 'success' && hasTranscript(event)) {
      this.#latency.observe({ model: this.#models.bounded(model) }, durationMs / 1000);
    }
  }

  #jobChanged({ jobId, state, model }: ClientEventOf<'job'>): void {
    const status = ENDS[state];
    if (status !== undefined) this.#count(status, model, this.#jobRegions.take(jobId));
  }

  #routed({ mode, rule }: ClientEventOf<'route'>): void {
    this.#routes?.inc({ mode, rule: this.#rules.bounded(rule) });
  }

  #count(status: CallStatus, model: string, region: string): void {
    this.#requests.inc({
      status,
      model: this.#models.bounded(model),
      region: this.#regions.bounded(region),
    });
  }
}

/**
 * A live session lasts as long as somebody talks, which is no latency. A job whose result comes by callback has only
 * been handed in: nobody knows how much audio that was.
 */
function hasTranscript({ mode, audioSeconds }: ClientEventOf<'request-end'>): boolean {
  return mode === 'sync' || (mode === 'async' && audioSeconds !== undefined);
}

function assertFree(registry: Registry, name: string): void {
  if (registry.getSingleMetric(name) === undefined) return;
  throw new BadRequestError(
    `The registry has a metric ${name} already. Leave the option registry out, or hand in one without it.`,
    { code: 'invalid_option' },
  );
}
