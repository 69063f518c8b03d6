import type { HttpLimits } from './options.js';
import { HttpProblem } from './problem.js';
import type { Principal } from './types.js';

type EventLimits = Required<Pick<HttpLimits, 'maxEventStreams' | 'maxEventStreamsPerPrincipal'>>;

const RETRY_SECONDS = '5';

/** Counts the streams that are open: each holds a connection and a subscription. */
export class EventPlaces {
  readonly #limits: EventLimits;
  readonly #ofUser = new Map<string, number>();
  #taken = 0;

  constructor(limits: EventLimits) {
    this.#limits = limits;
  }

  /**
   * Returns the way to give the place back, once.
   *
   * @throws HttpProblem 429 where the user has too many, 503 where all users together have.
   */
  take({ userId }: Principal): () => void {
    const own = this.#ofUser.get(userId) ?? 0;
    if (own >= this.#limits.maxEventStreamsPerPrincipal) {
      throw refused(
        429,
        'too_many_streams',
        'You follow too many jobs at the same time. Close a stream of events.',
      );
    }
    if (this.#taken >= this.#limits.maxEventStreams) {
      throw refused(503, 'too_many_streams', 'The server has too many streams of events. Come again later.');
    }
    this.#taken += 1;
    this.#ofUser.set(userId, own + 1);
    return () => this.#giveBack(userId);
  }

  #giveBack(userId: string): void {
    this.#taken -= 1;
    const left = (this.#ofUser.get(userId) ?? 1) - 1;
    if (left === 0) this.#ofUser.delete(userId);
    else this.#ofUser.set(userId, left);
  }
}

function refused(status: number, code: string, detail: string): HttpProblem {
  return new HttpProblem({ status, code, detail, headers: { 'retry-after': RETRY_SECONDS } });
}
