import { createHash, randomBytes } from 'node:crypto';
import type { BridgeSession } from './session.js';

/**
 * The sessions that can be taken up again. Only the hash of a token is kept, and looked for: so how long that takes
 * tells nothing about a token, and no view of the memory gives one away.
 */
export class Sessions {
  readonly #byHash = new Map<string, BridgeSession>();
  readonly #hashes = new Map<BridgeSession, string>();
  readonly #ofUsers = new Map<string, Set<BridgeSession>>();

  get size(): number {
    return this.#hashes.size;
  }

  [Symbol.iterator](): IterableIterator<BridgeSession> {
    return this.#hashes.keys();
  }

  /** @returns its token */
  add(session: BridgeSession): string {
    const token = randomBytes(32).toString('base64url');
    const hash = hashOf(token);
    this.#byHash.set(hash, session);
    this.#hashes.set(session, hash);
    const { userId } = session.principal;
    const own = this.#ofUsers.get(userId) ?? new Set();
    this.#ofUsers.set(userId, own.add(session));
    return token;
  }

  /** Undefined also where it is another user's. */
  find(token: string, userId: string): BridgeSession | undefined {
    const session = this.#byHash.get(hashOf(token));
    return session?.principal.userId === userId ? session : undefined;
  }

  ofUser(userId: string): ReadonlySet<BridgeSession> {
    return this.#ofUsers.get(userId) ?? new Set();
  }

  delete(session: BridgeSession): void {
    const hash = this.#hashes.get(session);
    if (hash === undefined) return;
    this.#hashes.delete(session);
    this.#byHash.delete(hash);
    const { userId } = session.principal;
    const own = this.#ofUsers.get(userId);
    own?.delete(session);
    if (own?.size === 0) this.#ofUsers.delete(userId);
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
