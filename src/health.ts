import type { AudioStore, Clock, QueueAdapter, QueueProblem, StorageAdapter } from './contracts/index.js';
import type { HttpTransport } from './deepgram/http-transport.js';
import { QueueError, TimeoutError, type TranscriptionError, toTranscriptionError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { createReachability, type Reachability, type RegionReach } from './reachability.js';
import type { Region } from './region-options.js';
import { startDeadline } from './resilience/deadline.js';

type HealthPart = 'storage' | 'queue' | 'audioStore' | 'deepgram';

export interface HealthProblem {
  readonly part: HealthPart;
  /** Such as `storage_unavailable` or `redis_eviction_policy`. */
  readonly code: string;
  /** Says what to do. */
  readonly message: string;
  /** `error`: calls fail, or jobs will be lost or stuck. `warning`: they may be, after a fault. */
  readonly severity: 'error' | 'warning';
}

/** One part that was looked at. */
export interface HealthCheck {
  readonly name: HealthPart;
  /** Of Deepgram: each region has a check of its own. */
  readonly region?: string;
  /** `unknown` where the part has no way of being asked. */
  readonly state: 'ok' | 'degraded' | 'down' | 'unknown';
  /** How long the answer took. */
  readonly latencyMs: number;
}

export interface Health {
  /** `down` where there is a problem with severity `error`, `degraded` where there is another one. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly problems: readonly HealthProblem[];
  readonly checks: readonly HealthCheck[];
}

export interface HealthChecks {
  /** Never rejects. */
  health(): Promise<Health>;
  /** As health(), but rejects where the client cannot work. */
  ready(): Promise<Health>;
}

export interface HealthParts {
  readonly storage: StorageAdapter;
  readonly queue: QueueAdapter;
  readonly audioStore: AudioStore | undefined;
  readonly transport: Pick<HttpTransport, 'connect'>;
  readonly regions: readonly Region[];
  readonly clock: Clock;
}

/** For one part, so that a probe has its answer in time. */
const TIMEOUT_MS = 2000;
/** Probes come every few seconds, and from several sides. */
const KEPT_MS = 10_000;

type Finding = { readonly problem: HealthProblem; readonly error?: TranscriptionError };
type Look = { readonly check: HealthCheck; readonly findings: readonly Finding[] };

export function createHealthChecks(parts: HealthParts): HealthChecks {
  const reachability = createReachability({ ...parts, timeoutMs: TIMEOUT_MS });
  const lookAtAudio = sharingLooks(
    (audioStore) => lookAt('audioStore', audioStore, parts.clock),
    parts.clock,
  );
  return {
    health: async () => healthOf(await lookAtAll(parts, reachability, lookAtAudio)),
    async ready() {
      const looks = await lookAtAll(parts, reachability, lookAtAudio);
      const worst = looks
        .flatMap(({ findings }) => findings)
        .find(({ problem }) => problem.severity === 'error');
      if (worst === undefined) return healthOf(looks);
      throw worst.error ?? new QueueError(worst.problem.message, { code: 'queue_misconfigured' });
    },
  };
}

function healthOf(looks: readonly Look[]): Health {
  const problems = looks.flatMap(({ findings }) => findings.map(({ problem }) => problem));
  const isDown = problems.some(({ severity }) => severity === 'error');
  const status = isDown ? 'down' : problems.length > 0 ? 'degraded' : 'ok';
  return { status, problems, checks: looks.map(({ check }) => check) };
}

type LookAtAudio = (audioStore: AudioStore) => Promise<Look>;

/** At all parts at once. */
async function lookAtAll(
  { storage, queue, audioStore, clock }: HealthParts,
  reachability: Reachability,
  lookAtAudio: LookAtAudio,
): Promise<readonly Look[]> {
  const looks = await Promise.all([
    lookAt('storage', storage, clock),
    lookAt('queue', askable(queue), clock),
    audioStore === undefined ? [] : lookAtAudio(audioStore),
    reachability().then((regions) => {
      // Calls may go to another one.
      const severity = regions.every(({ error }) => error !== undefined) ? 'error' : 'warning';
      return regions.map((region) => lookAtRegion(region, severity));
    }),
  ]);
  return looks.flat();
}

function lookAtRegion(reach: RegionReach, severity: HealthProblem['severity']): Look {
  const { region, latencyMs, error, failedStatus } = reach;
  const check = { name: 'deepgram', region, latencyMs } as const;
  if (failedStatus !== undefined) {
    const message = `The region ${region} answers with status ${failedStatus}. Calls may fail there.`;
    const problem = { part: 'deepgram', code: 'deepgram_failing', message, severity: 'warning' } as const;
    return { check: { ...check, state: 'degraded' }, findings: [{ problem }] };
  }
  if (error === undefined) return { check: { ...check, state: 'ok' }, findings: [] };
  const code = error instanceof TimeoutError ? 'deepgram_timeout' : 'deepgram_unreachable';
  const message = `The region ${region} cannot be reached. ${error.message}`;
  return {
    check: { ...check, state: 'down' },
    findings: [{ problem: { part: 'deepgram', code, message, severity }, error }],
  };
}

/** An adapter. */
interface Part {
  /** A queue resolves to QueueProblems, the others to nothing. */
  health?(): Promise<unknown>;
}

/** A queue that cannot say how it is can be counted. */
function askable(queue: QueueAdapter): Part {
  return { health: () => queue.health?.() ?? queue.depth() };
}

/** What went well is not asked again for a while: a store in a cloud is written to, which has its price. */
function sharingLooks(look: LookAtAudio, clock: Clock): LookAtAudio {
  let last: { readonly startedAt: number; readonly look: Promise<Look> } | undefined;
  return (audioStore) => {
    const startedAt = clock.monotonicMs();
    if (last !== undefined && startedAt - last.startedAt < KEPT_MS) return last.look;
    last = { startedAt, look: look(audioStore) };
    void last.look.then(({ findings }) => {
      if (findings.length > 0) last = undefined;
    });
    return last.look;
  };
}

async function lookAt(name: HealthPart, part: Part, clock: Clock): Promise<Look> {
  const startedAt = clock.monotonicMs();
  const findings = await ask(name, part, clock);
  const latencyMs = clock.monotonicMs() - startedAt;
  return { check: { name, state: stateOf(part, findings), latencyMs }, findings };
}

function stateOf({ health }: Part, findings: readonly Finding[]): HealthCheck['state'] {
  if (findings.some(({ problem }) => problem.severity === 'error')) return 'down';
  if (findings.length > 0) return 'degraded';
  return health === undefined ? 'unknown' : 'ok';
}

async function ask(name: HealthPart, part: Part, clock: Clock): Promise<readonly Finding[]> {
  if (part.health === undefined) return [];
  const deadline = startDeadline({
    clock,
    timeoutMs: TIMEOUT_MS,
    signal: undefined,
    what: `The health check of the ${name}`,
    advice: 'Check that it can be reached.',
  });
  try {
    const problems = await raceAbort(part.health(), deadline.signal);
    if (!Array.isArray(problems)) return [];
    return (problems as readonly QueueProblem[]).map((problem) => ({ problem: { part: name, ...problem } }));
  } catch (thrown) {
    const error = toTranscriptionError(thrown);
    const code = error instanceof TimeoutError ? `${name}_timeout` : error.code;
    return [{ problem: { part: name, code, message: error.message, severity: 'error' }, error }];
  } finally {
    deadline.dispose();
  }
}
