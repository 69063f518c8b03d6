import type { AudioStore, Clock, QueueAdapter, StorageAdapter } from './contracts/index.js';
import { QueueError, TimeoutError, type TranscriptionError, toTranscriptionError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { startDeadline } from './resilience/deadline.js';

export interface HealthProblem {
  readonly part: 'storage' | 'queue' | 'audioStore';
  /** Such as `storage_unavailable` or `redis_eviction_policy`. */
  readonly code: string;
  /** Says what to do. */
  readonly message: string;
  /** `error`: calls fail, or jobs will be lost or stuck. `warning`: they may be, after a fault. */
  readonly severity: 'error' | 'warning';
}

export interface Health {
  /** `down` where there is a problem with severity `error`, `degraded` where there is another one. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly problems: readonly HealthProblem[];
}

export interface HealthParts {
  readonly storage: StorageAdapter;
  readonly queue: QueueAdapter;
  readonly audioStore: AudioStore | undefined;
  readonly clock: Clock;
}

/** For one part, so that a probe has its answer in time. */
const TIMEOUT_MS = 2000;

type Part = HealthProblem['part'];
type Finding = { readonly problem: HealthProblem; readonly error?: TranscriptionError };

/** Looks at all parts at once. Never rejects. */
export async function checkHealth(parts: HealthParts): Promise<Health> {
  const problems = (await findAll(parts)).map(({ problem }) => problem);
  const isDown = problems.some(({ severity }) => severity === 'error');
  return { status: isDown ? 'down' : problems.length > 0 ? 'degraded' : 'ok', problems };
}

/** Rejects with what keeps the client from working; resolves to what may be wrong all the same. */
export async function assertReady(parts: HealthParts): Promise<Health> {
  const findings = await findAll(parts);
  const worst = findings.find(({ problem }) => problem.severity === 'error');
  if (worst !== undefined) {
    throw worst.error ?? new QueueError(worst.problem.message, { code: 'queue_misconfigured' });
  }
  const problems = findings.map(({ problem }) => problem);
  return { status: problems.length > 0 ? 'degraded' : 'ok', problems };
}

async function findAll({ storage, queue, audioStore, clock }: HealthParts): Promise<readonly Finding[]> {
  const none = async (): Promise<[]> => [];
  const found = await Promise.all([
    ask('storage', clock, async () => void (await storage.health?.())),
    ask('queue', clock, () => queue.health?.() ?? none()),
    ask('audioStore', clock, async () => void (await audioStore?.health?.())),
  ]);
  return found.flat();
}

async function ask(
  part: Part,
  clock: Clock,
  look: () => Promise<readonly Omit<HealthProblem, 'part'>[] | undefined>,
): Promise<readonly Finding[]> {
  const deadline = startDeadline({
    clock,
    timeoutMs: TIMEOUT_MS,
    signal: undefined,
    what: `The health check of the ${part}`,
    advice: 'Check that it can be reached.',
  });
  try {
    const problems = (await raceAbort(look(), deadline.signal)) ?? [];
    return problems.map((problem) => ({ problem: { part, ...problem } }));
  } catch (thrown) {
    const error = toTranscriptionError(thrown);
    const code = error instanceof TimeoutError ? `${part}_timeout` : error.code;
    return [{ problem: { part, code, message: error.message, severity: 'error' }, error }];
  } finally {
    deadline.dispose();
  }
}
