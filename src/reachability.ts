import type { Clock } from './contracts/index.js';
import type { HttpTransport } from './deepgram/http-transport.js';
import { type TranscriptionError, toTranscriptionError } from './errors/index.js';
import type { Region } from './region-options.js';
import { startDeadline } from './resilience/deadline.js';

/** Whether anything answers at a region's endpoint. */
export interface RegionReach {
  readonly region: string;
  /** Of the look that found it. */
  readonly latencyMs: number;
  /** Why it cannot be reached. */
  readonly error?: TranscriptionError;
  /** The status of its answer, where that is one of a server that fails. */
  readonly failedStatus?: number;
}

/** Looks at all regions at once. Never rejects. */
export type Reachability = () => Promise<readonly RegionReach[]>;

export interface ReachabilityParts {
  readonly transport: Pick<HttpTransport, 'connect'>;
  readonly regions: readonly Region[];
  readonly clock: Clock;
  /** For one look. */
  readonly timeoutMs: number;
}

type Finding = Omit<RegionReach, 'region'>;

/** Probes come every few seconds, and from several sides: they share a look. */
const KEPT_MS = 10_000;

/**
 * A look is a connection and a request without credentials, which costs nothing. Any answer shows that the region is
 * there. Regions with one endpoint share its looks.
 */
export function createReachability({
  transport,
  regions,
  clock,
  timeoutMs,
}: ReachabilityParts): Reachability {
  const looks = new Map<string, { readonly startedAt: number; readonly finding: Promise<Finding> }>();

  async function look({ endpoint }: Region, startedAt: number): Promise<Finding> {
    const deadline = startDeadline({
      clock,
      timeoutMs,
      signal: undefined,
      // Regions with one endpoint share the look, and so its words.
      what: 'The connection to its endpoint',
      advice: 'Check the network and the endpoint.',
    });
    const latencyMs = (): number => clock.monotonicMs() - startedAt;
    try {
      const status = await transport.connect(endpoint, deadline.signal);
      return {
        latencyMs: latencyMs(),
        ...(status !== undefined && status >= 500 && { failedStatus: status }),
      };
    } catch (error) {
      return { latencyMs: latencyMs(), error: toTranscriptionError(error) };
    } finally {
      deadline.dispose();
    }
  }

  function lookOnce(region: Region): Promise<Finding> {
    const startedAt = clock.monotonicMs();
    const last = looks.get(region.endpoint);
    if (last !== undefined && startedAt - last.startedAt < KEPT_MS) return last.finding;
    const finding = look(region, startedAt);
    looks.set(region.endpoint, { startedAt, finding });
    return finding;
  }

  return () =>
    Promise.all(regions.map(async (region) => ({ region: region.name, ...(await lookOnce(region)) })));
}
