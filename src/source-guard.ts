import type { ResolvedSource } from './contracts/index.js';
import { isDeepgram } from './deepgram-host.js';
import { raceAbort } from './internal/abort.js';
import { type AddressGuard, createAddressGuard } from './net/address-guard.js';
import type { Region } from './region-options.js';

type GuardedRegion = Pick<Region, 'endpoint' | 'allowedSources'>;

/** An UnsupportedSourceError where a URL must not be handed to the region's endpoint. */
export interface SourceGuard {
  check(source: ResolvedSource, region: GuardedRegion, signal: AbortSignal): Promise<void>;
  /** What can be told without a look at names, for a job that runs later. */
  checkText(source: ResolvedSource, region: GuardedRegion): void;
}

/**
 * Deepgram's own servers fetch a URL from outside. A self-hosted one fetches it from inside the user's network,
 * where a URL that came from a stranger must not lead.
 */
export function createSourceGuard(): SourceGuard {
  const guards = new WeakMap<object, AddressGuard>();

  function guardOf(url: string, region: GuardedRegion): AddressGuard | undefined {
    if (isDeepgram(region.endpoint)) return undefined;
    // What it serves itself it may fetch.
    if (new URL(url).origin === new URL(region.endpoint).origin) return undefined;
    const known = guards.get(region);
    if (known !== undefined) return known;
    const { endpoint, allowedSources } = region;
    const guard = createAddressGuard({ allow: allowedSources, passUnknownNames: isLoopback(endpoint) });
    guards.set(region, guard);
    return guard;
  }

  return {
    async check(source, region, signal) {
      if (source.kind !== 'url') return;
      const guard = guardOf(source.url, region);
      if (guard !== undefined) await raceAbort(guard(source.url), signal);
    },
    checkText(source, region) {
      if (source.kind === 'url') guardOf(source.url, region)?.checkText(source.url);
    },
  };
}

function isLoopback(endpoint: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(endpoint).hostname);
}
