import { Registry, type RegistryContentType } from 'prom-client';
import type { MetricsHook } from '../../contracts/metrics.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkBoolean, checkMethods } from '../../internal/validate.js';
import { Meters } from './meters.js';
import type { WatchedClient } from './queue-depth.js';

export type { WatchedClient } from './queue-depth.js';

export interface PrometheusOptions {
  /** A registry of prom-client that the application has. Default: one of its own. */
  readonly registry?: Registry<RegistryContentType>;
  /** prom-client's metrics of the process, unless the registry has them already. Default true. */
  readonly defaultMetrics?: boolean;
  /** True: also `transcription_routes_total`, the decisions of the router. Default false. */
  readonly routes?: boolean;
}

export interface Prometheus extends MetricsHook {
  readonly registry: Registry;
  /** For the header of the answer. */
  readonly contentType: string;
  /** The answer to a scrape. */
  metrics(): Promise<string>;
  /** Lets `transcription_queue_depth` ask the client's queue at each scrape. Returns the client. */
  watch<Client extends WatchedClient>(client: Client): Client;
}

/** A registry cannot have two metrics of one name: whoever uses it counts in the same ones. */
const metersOf = new WeakMap<Registry, Meters>();

/**
 * The metrics of clients for Prometheus. Needs the package prom-client.
 *
 * ```ts
 * const prometheus = createPrometheus();
 * const client = prometheus.watch(new TranscriptionClient({ metrics: [prometheus] }));
 * createHandlers(client, { authorize, metrics: prometheus }); // serves them at GET /metrics
 * ```
 *
 * | metric | type | counts |
 * |---|---|---|
 * | `transcription_requests_total{status,model,region}` | counter | calls that have ended: `success`, `error`, `cancelled`. A job is one call, whatever its attempts, and another one after `jobs.retry()`; so is each repair of a live session's outage; its region is that of the last one, `unknown` where this process made none |
 * | `transcription_latency_seconds{model}` | histogram | from the moment a call leaves the limit's queue to its transcript; of jobs, the attempt that succeeded. Not of live sessions, nor of results that come by callback |
 * | `transcription_queue_depth` | gauge | jobs that wait or are delayed in the queues of the clients that are watched. Left out where one of them does not answer within 2 seconds. Of clients that share a queue, watch one |
 * | `deepgram_active_connections` | gauge | requests to Deepgram that are under way, and live sessions with an open connection |
 * | `transcription_routes_total{mode,rule}` | counter | with `routes`: decisions of the router |
 *
 * A label has at most 100 values; further ones are `other`. One hook may serve any number of clients, and hooks with
 * the same registry count in the same metrics: give a client one of them.
 *
 * @throws BadRequestError for a wrong option, or a registry that has other metrics of these names.
 */
export function createPrometheus(options: PrometheusOptions = {}): Prometheus {
  checkOptions('createPrometheus()', options, ['registry', 'defaultMetrics', 'routes']);
  const given: PrometheusOptions = options;
  checkMethods('registry', given.registry, [
    'registerMetric',
    'getSingleMetric',
    'getMetricsAsArray',
    'metrics',
  ]);
  checkBoolean('defaultMetrics', given.defaultMetrics);
  checkBoolean('routes', given.routes);
  const { defaultMetrics = true, routes = false } = given;
  // The type of its content makes no difference here.
  const registry = (given.registry ?? new Registry()) as Registry;
  const known = metersOf.get(registry);
  // A registry that was cleared has forgotten them.
  const meters = known?.isRegistered === true ? known : new Meters(registry);
  metersOf.set(registry, meters);
  if (defaultMetrics) meters.collectDefaults();
  if (routes) meters.countRoutes();
  return {
    registry,
    get contentType() {
      return registry.contentType;
    },
    onEvent: (event) => meters.see(event),
    metrics: () => registry.metrics(),
    watch(client) {
      checkMethods('client.jobs', client?.jobs ?? null, ['depth']);
      meters.watch(client);
      return client;
    },
  };
}
