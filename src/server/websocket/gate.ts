import type { IncomingMessage } from 'node:http';
import { BRIDGE_PROTOCOL } from '../../internal/bridge-protocol.js';
import { sleep } from '../../internal/sleep.js';
import { functionFailed, secretsOfRequest } from './failures.js';
import type { BridgeSettings } from './options.js';
import { isOriginAllowed } from './origin.js';
import type { Place, Places } from './places.js';
import type { BridgePrincipal, RefusalReason } from './types.js';

export interface Refusal {
  readonly status: number;
  readonly reason: RefusalReason;
}

export type Admission =
  | { readonly principal: BridgePrincipal; readonly place: Place }
  | { readonly refusal: Refusal };

const CLOSING = { status: 503, reason: 'closing' } as const;
const FAILED = { status: 500, reason: 'authorize-failed' } as const;
const LATE = { status: 503, reason: 'authorize-timeout' } as const;

/** Decides on an upgrade. What costs least is looked at first, and `authorize` is only asked where there is a place. */
export class Gate {
  readonly #settings: BridgeSettings;
  readonly #places: Places;
  #isClosed = false;

  constructor(settings: BridgeSettings, places: Places) {
    this.#settings = settings;
    this.#places = places;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Never rejects. Who is admitted holds the place. */
  async admit(request: IncomingMessage): Promise<Admission> {
    if (this.#isClosed) return { refusal: CLOSING };
    if (!isOriginAllowed(request.headers, this.#settings)) {
      return { refusal: { status: 403, reason: 'origin' } };
    }
    if (!speaksProtocol(request)) return { refusal: { status: 400, reason: 'protocol' } };
    const place = this.#places.take();
    if (place === undefined) return { refusal: { status: 503, reason: 'connections' } };
    const found = await this.#identify(request, place);
    if ('status' in found) {
      place.release();
      return { refusal: found };
    }
    return { principal: found, place };
  }

  async #identify(request: IncomingMessage, place: Place): Promise<BridgePrincipal | Refusal> {
    const principal = await this.#authorize(request);
    if (principal === null) return { status: 401, reason: 'unauthorized' };
    if ('status' in principal) return principal;
    if (!(await this.#assign(place, principal.userId))) return { status: 429, reason: 'sessions' };
    return this.#isClosed ? CLOSING : principal;
  }

  async #authorize(request: IncomingMessage): Promise<BridgePrincipal | null | Refusal> {
    const { authorize, clock, startTimeoutMs, onEvent } = this.#settings;
    const over = new AbortController();
    try {
      const found = await Promise.race([
        authorize(request),
        sleep(clock, startTimeoutMs, over.signal).then(() => LATE),
      ]);
      if (found === null || found === undefined || found === LATE) return found ?? null;
      return checkedPrincipal(found as BridgePrincipal);
    } catch (cause) {
      onEvent({ type: 'error', error: functionFailed('authorize', cause, secretsOfRequest(request)) });
      return FAILED;
    } finally {
      over.abort();
    }
  }

  /** A user whose old connection is broken, and does not show it yet, must not be kept out by it. */
  async #assign(place: Place, userId: string): Promise<boolean> {
    if (place.assign(userId)) return true;
    await Promise.all(this.#places.connectionsOf(userId).map((connection) => connection.probe()));
    return place.assign(userId);
  }
}

function checkedPrincipal(found: BridgePrincipal): BridgePrincipal {
  if (typeof found !== 'object' || typeof found.userId !== 'string' || found.userId === '') {
    throw new TypeError('authorize must return a principal with a userId, or null.');
  }
  return { ...found };
}

function speaksProtocol({ headers }: IncomingMessage): boolean {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === BRIDGE_PROTOCOL);
}
