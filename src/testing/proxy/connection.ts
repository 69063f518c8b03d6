import type { Socket } from 'node:net';
import type { FaultDirection, LaneFaults, ProxyFaults } from './faults.js';
import { Lane, resetSocket, type Traffic } from './lane.js';
import { type ReplyBudget, ReplyFilter } from './reply-filter.js';

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly faults: Readonly<Record<FaultDirection, LaneFaults>>;
  readonly replies: ReplyBudget;
  /** Numbers from 0 up to 1, one source for each direction, so that neither disturbs the other. */
  readonly random: Readonly<Record<FaultDirection, () => number>>;
  readonly traffic: Readonly<Record<FaultDirection, Traffic>>;
  readonly onClosed: () => void;
}

/** A client's connection and the one to the server that belongs to it. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Readonly<Record<FaultDirection, Lane>>;
  readonly #replies: ReplyFilter;

  constructor({ client, server, faults, replies, random, traffic, onClosed }: ProxiedConnectionOptions) {
    this.#client = client;
    this.#server = server;
    const filter = new ReplyFilter(replies);
    this.#replies = filter;
    const reset = (): void => this.reset();
    const up = new Lane({
      source: client,
      destination: server,
      faults: faults.up,
      random: random.up,
      traffic: traffic.up,
      passes: () => true,
      onSent: () => filter.ask(),
      reset,
    });
    const down = new Lane({
      source: server,
      destination: client,
      faults: faults.down,
      random: random.down,
      traffic: traffic.down,
      passes: () => filter.passes(),
      onSent: () => {},
      reset,
    });
    this.#lanes = { up, down };
    this.#watch(client, up, onClosed);
    this.#watch(server, down, onClosed);
  }

  apply(faults: ProxyFaults, replies: ReplyBudget | undefined): void {
    if (replies) this.#replies.budget = replies;
    if (faults.up) this.#lanes.up.apply(faults.up);
    if (faults.down) this.#lanes.down.apply(faults.down);
  }

  halfClose(direction: FaultDirection): void {
    this.#lanes[direction].halfClose();
  }

  reset(): void {
    resetSocket(this.#client);
    resetSocket(this.#server);
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #watch(socket: Socket, lane: Lane, onClosed: () => void): void {
    socket.setNoDelay(true);
    // The close that follows says that there was an error, and the other end is then reset.
    socket.on('error', () => {});
    socket.on('close', (hadError) => {
      if (hadError) lane.abort();
      if (this.#client.closed && this.#server.closed) onClosed();
    });
  }
}
