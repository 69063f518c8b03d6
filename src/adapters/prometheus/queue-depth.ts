import type { QueueDepth } from '../../contracts/queue.js';
import { TranscriptionError } from '../../errors/index.js';
import { raceAbort } from '../../internal/abort.js';

/** What is needed of a client to know its queue. */
export interface WatchedClient {
  readonly jobs: { depth(): Promise<QueueDepth> };
}

/** A scrape must not wait for a queue that hangs: Prometheus gives up after 10 seconds, and gets nothing then. */
const TIMEOUT_MS = 2000;

/** The queues of the clients that are watched. */
export class QueueDepths {
  readonly #clients = new Set<WatchedClient>();

  watch(client: WatchedClient): void {
    this.#clients.add(client);
  }

  /** Jobs that wait, in all of them. Undefined where nobody knows: half of a sum would be a wrong one. */
  async total(): Promise<number | undefined> {
    const depths = await Promise.all([...this.#clients].map((client) => this.#ask(client)));
    const open = depths.filter((depth) => depth !== 'closed');
    if (open.length === 0 || open.includes(undefined)) return undefined;
    return open.reduce<number>((sum, depth) => sum + (depth as number), 0);
  }

  async #ask(client: WatchedClient): Promise<number | 'closed' | undefined> {
    try {
      const asking = Promise.resolve(client.jobs.depth());
      const { waiting, delayed } = await raceAbort(asking, AbortSignal.timeout(TIMEOUT_MS));
      return waiting + delayed;
    } catch (error) {
      if (!TranscriptionError.isInstance(error) || error.code !== 'client_closed') return undefined;
      this.#clients.delete(client);
      return 'closed';
    }
  }
}
