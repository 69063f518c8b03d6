import type { Connection } from './connection.js';

/** A place for one connection, from its upgrade to its end. */
export interface Place {
  /** Counts for the user. False: the user has as many as may be. */
  assign(userId: string): boolean;
  /** The connection that has it. */
  occupy(connection: Connection): void;
  /** Safe to call twice. */
  release(): void;
}

interface Holder {
  userId?: string;
  connection?: Connection;
}

/** How many connections there are, in all and of each user. */
export class Places {
  readonly #max: number;
  readonly #maxPerUser: number;
  readonly #holders = new Set<Holder>();
  readonly #ofUsers = new Map<string, Set<Holder>>();

  constructor(max: number, maxPerUser: number) {
    this.#max = max;
    this.#maxPerUser = maxPerUser;
  }

  get connections(): readonly Connection[] {
    return connectionsOf(this.#holders);
  }

  /** Also upgrades that are being looked at. */
  get taken(): number {
    return this.#holders.size;
  }

  connectionsOf(userId: string): readonly Connection[] {
    return connectionsOf(this.#ofUsers.get(userId) ?? []);
  }

  /** Undefined: all are taken. */
  take(): Place | undefined {
    if (this.#holders.size >= this.#max) return undefined;
    const holder: Holder = {};
    this.#holders.add(holder);
    return {
      assign: (userId) => this.#assign(holder, userId),
      occupy: (connection) => {
        holder.connection = connection;
      },
      release: () => this.#release(holder),
    };
  }

  #assign(holder: Holder, userId: string): boolean {
    const own = this.#ofUsers.get(userId) ?? new Set();
    if (own.size >= this.#maxPerUser) return false;
    holder.userId = userId;
    this.#ofUsers.set(userId, own.add(holder));
    return true;
  }

  #release(holder: Holder): void {
    this.#holders.delete(holder);
    if (holder.userId === undefined) return;
    const own = this.#ofUsers.get(holder.userId);
    own?.delete(holder);
    if (own?.size === 0) this.#ofUsers.delete(holder.userId);
  }
}

function connectionsOf(holders: Iterable<Holder>): Connection[] {
  return [...holders].flatMap(({ connection }) => connection ?? []);
}
