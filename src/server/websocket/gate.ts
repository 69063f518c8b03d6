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

type Identified = { readonly principal: BridgePrincipal } | { readonly refusal: Refusal };

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
    const found = await this.#identify(request);
    const refusal = 'refusal' in found ? found.refusal : await this.#assign(place, found.principal);
    if (refusal === undefined && 'principal' in found) return { ...found, place };
    place.release();
    return { refusal: refusal ?? CLOSING };
  }

  async #identify(request: IncomingMessage): Promise<Identified> {
    const { authorize, clock, startTimeoutMs, onEvent } = this.#settings;
    const over = new AbortController();
    try {
      return await Promise.race([
        Promise.resolve(authorize(request)).then(identified),
        sleep(clock, startTimeoutMs, over.signal).then(() => ({ refusal: LATE })),
      ]);
    } catch (cause) {
      onEvent({ type: 'error', error: functionFailed('authorize', cause, secretsOfRequest(request)) });
      return { refusal: FAILED };
    } finally {
      over.abort();
    }
  }

  /** A user whose old connection is broken, and does not show it yet, must not be kept out by it. */
  async #assign(place: Place, { userId }: BridgePrincipal): Promise<Refusal | undefined> {
    if (!place.assign(userId)) {
      await Promise.all(this.#places.connectionsOf(userId).map((connection) => connection.probe()));
      if (!place.assign(userId)) return { status: 429, reason: 'sessions' };
    }
    return this.#isClosed ? CLOSING : undefined;
  }
}

function identified(found: BridgePrincipal | null): Identified {
  if (found === null || found === undefined) return { refusal: { status: 401, reason: 'unauthorized' } };
  if (typeof found !== 'object' || typeof found.userId !== 'string' || found.userId === '') {
    throw new TypeError('authorize must return a principal with a userId, or null.');
  }
  return { principal: { ...found } };
}

function speaksProtocol({ headers }: IncomingMessage): boolean {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === BRIDGE_PROTOCOL);
}
