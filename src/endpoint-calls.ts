import { regionFor } from './call-options.js';
import type { CredentialsProvider } from './deepgram/credentials.js';
import { type GrantedToken, type GrantTokenOptions, grantToken } from './deepgram/grant-token.js';
import type { HttpTransport } from './deepgram/http-transport.js';
import { addContext, toTranscriptionError } from './errors/index.js';
import { raceAbort } from './internal/abort.js';
import { checkOptions, checkSignal } from './internal/check-arguments.js';
import { checkNumber } from './internal/validate.js';
import type { ResolvedOptions } from './options.js';
import { startDeadline } from './resilience/deadline.js';

export interface WarmUpOptions {
  readonly region?: string;
  /** Default 10000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What is asked of an endpoint beside transcripts. Options are checked here. */
export interface EndpointCalls {
  /** Opens the connection that the first call to the region will use. */
  warmUp(options: WarmUpOptions, signal: AbortSignal): Promise<void>;
  grantToken(options: GrantTokenOptions, signal: AbortSignal): Promise<GrantedToken>;
}

export interface EndpointParts {
  readonly options: ResolvedOptions;
  readonly transport: HttpTransport;
  readonly credentials: CredentialsProvider;
  /** Loads what the first call needs. */
  readonly load: () => Promise<unknown>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_TTL_SECONDS = 30;
const MAX_TTL_SECONDS = 3600;

export function createEndpointCalls({
  options: client,
  transport,
  credentials,
  load,
}: EndpointParts): EndpointCalls {
  async function ask<Value>(
    what: string,
    { region: name, timeoutMs = DEFAULT_TIMEOUT_MS }: WarmUpOptions,
    outer: AbortSignal,
    run: (endpoint: string, signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    const region = regionFor(name, client);
    const { clock } = client;
    const advice = 'Check the endpoint, or raise timeoutMs.';
    const deadline = startDeadline({ clock, timeoutMs, signal: outer, what, advice });
    try {
      return await run(region.endpoint, deadline.signal);
    } catch (error) {
      throw addContext(toTranscriptionError(error), { region: region.name });
    } finally {
      deadline.dispose();
    }
  }

  return {
    async warmUp(options, outer) {
      checkCall('warmUp()', options, []);
      await ask('warmUp()', options, outer, async (endpoint, signal) => {
        await raceAbort(load(), signal);
        await transport.connect(endpoint, signal);
      });
    },
    async grantToken(options, outer) {
      checkCall('grantToken()', options, ['ttlSeconds']);
      const { ttlSeconds = DEFAULT_TTL_SECONDS } = options;
      checkNumber('ttlSeconds', ttlSeconds, { min: 1, max: MAX_TTL_SECONDS });
      return ask('grantToken()', options, outer, async (endpoint, signal) =>
        grantToken(transport, {
          endpoint,
          credentials: await raceAbort(credentials(), signal),
          ttlSeconds,
          signal,
        }),
      );
    },
  };
}

function checkCall(what: string, options: WarmUpOptions, more: readonly string[]): void {
  checkOptions(what, options, ['region', 'timeoutMs', 'signal', ...more]);
  checkNumber('timeoutMs', options.timeoutMs, { min: 1 });
  checkSignal(options.signal);
}
