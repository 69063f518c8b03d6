import type { ResolvedSource } from './contracts/index.js';
import { isDeepgram } from './deepgram-host.js';
import { raceAbort } from './internal/abort.js';
import { type AddressGuard, createAddressGuard } from './net/address-guard.js';
import type { Region } from './region-options.js';

type GuardedRegion = Pick<Region, 'endpoint' | 'allowedSources'>;

/** Rejects with an UnsupportedSourceError where a URL must not be handed to the region's endpoint. */
export type SourceGuard = (
  source: ResolvedSource,
  region: GuardedRegion,
  signal: AbortSignal,
) => Promise<void>;

/**
 * Deepgram's own servers fetch a URL from outside. A self-hosted one fetches it from inside the user's network,
 * where a URL that came from a stranger must not lead.
 */
export function createSourceGuard(): SourceGuard {
  const guards = new WeakMap<object, AddressGuard>();
  return async (source, region, signal) => {
    if (source.kind !== 'url' || isDeepgram(region.endpoint)) return;
    // What it serves itself it may fetch.
    if (new URL(source.url).origin === new URL(region.endpoint).origin) return;
    let guard = guards.get(region);
    if (guard === undefined) {
      const { endpoint, allowedSources } = region;
      guard = createAddressGuard({ allow: allowedSources, passUnknownNames: isLoopback(endpoint) });
      guards.set(region, guard);
    }
    await raceAbort(guard(source.url), signal);
  };
}

function isLoopback(endpoint: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(endpoint).hostname);
}
