import { setTimeout as wait } from 'node:timers/promises';
import { type EnqueueOptions, type TranscriptionClient, TranscriptionError } from '../../../src/index.js';
import { Dice } from '../dice.js';
import type { JobsLine, JobsParameters } from '../jobs-lines.js';

/** Users that jobs may have; some have none. */
const USERS = 5;
/** Different keys of one second: all producers use the same ones. */
const KEYS = 3;
/** More jobs than that do not wait at a time: their end must not take long. */
const MOST_WAITING = 150;
const LOOKED_AT_EVERY = 10;
/** Of all jobs, at the end too, the result must be there by then. */
const RESULT_TIMEOUT_MS = 120_000;

interface Plan {
  readonly options: EnqueueOptions & { readonly tag: string };
  readonly cancelAfterMs: number | undefined;
  readonly isFollowed: boolean;
}

/** Makes jobs, cancels some of them, begins some again that failed, and waits for some. */
export class Producer {
  readonly #client: TranscriptionClient;
  readonly #parameters: JobsParameters;
  readonly #print: (line: JobsLine) => void;
  readonly #dice: Dice;
  readonly #pending = new Set<Promise<void>>();
  #count = 0;
  #isStopping = false;

  constructor(client: TranscriptionClient, parameters: JobsParameters, print: (line: JobsLine) => void) {
    this.#client = client;
    this.#parameters = parameters;
    this.#print = print;
    this.#dice = new Dice(parameters.seed, 0);
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Until it is stopped, and all that it began has ended. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      const plans = Array.from({ length: this.#dice.oneOf([1, 1, 1, 4]) }, () => this.#draw());
      this.#begin(() => this.#enqueue(plans));
      if (this.#dice.chance(0.08)) this.#begin(() => this.#retrySome(this.#dice.whole(1, 5)));
      await wait(this.#dice.whole(5, 100));
      if (this.#count % LOOKED_AT_EVERY === 0) await this.#untilThereIsRoom();
    }
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** What one call of the library does to a job. It may fail, as long as it says so in the right way. */
  #begin(work: () => Promise<void>): void {
    const pending = work().finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  async #try(call: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Anything else ends the process, and with it the run.
      if (!TranscriptionError.isInstance(error)) throw error;
      this.#print({ type: 'refused', call, error: error.name, code: error.code });
    }
  }

  #draw(): Plan {
    const dice = this.#dice;
    const { name, places, startedAt, receiver } = this.#parameters;
    this.#count += 1;
    const second = Math.floor((Date.now() - startedAt) / 1000);
    const keyNumber = dice.whole(1, KEYS);
    const key = dice.maybe(0.3, `key-${second}-${keyNumber}`);
    const user = dice.maybe(0.8, `user-${dice.whole(1, USERS)}`);
    const isIncluded = dice.chance(0.5);
    const webhook = dice.maybe(0.5, { url: receiver, includeText: isIncluded });
    const isShort = dice.chance(0.1);
    const limits = {
      priority: dice.oneOf([0, 0, 1, 2]),
      delayMs: dice.oneOf([0, 0, 0, dice.whole(1, 2000)]),
      attempts: dice.whole(2, 5),
      timeoutMs: dice.whole(600, 2500),
    };
    const totalTimeoutMs = dice.whole(500, 10_000);
    const userId = key === undefined ? user : `user-${keyNumber}`;
    return {
      options: {
        // The same for all calls with one key: it is a part of what the key stands for.
        tag: key ?? `${name}-${this.#count}`,
        ...limits,
        ...(key !== undefined && { idempotencyKey: key }),
        ...(userId !== undefined && { userId }),
        ...(webhook !== undefined && { webhook }),
        ...(isShort && { totalTimeoutMs }),
        metadata: { from: name, queue: places.queue.kind },
      },
      cancelAfterMs: dice.maybe(0.15, dice.whole(0, 800)),
      isFollowed: dice.chance(0.2),
    };
  }

  async #enqueue(plans: readonly Plan[]): Promise<void> {
    const { audioUrl } = this.#parameters;
    await this.#try('enqueue', async () => {
      const jobs = await this.#client.enqueueMany(
        plans.map(({ options }) => ({ source: audioUrl, options })),
      );
      for (const [index, { id }] of jobs.entries()) {
        const plan = plans[index] as Plan;
        this.#print({ type: 'acknowledged', id, tag: plan.options.tag });
        if (plan.cancelAfterMs !== undefined) this.#begin(() => this.#cancel(id, plan.cancelAfterMs ?? 0));
        if (plan.isFollowed) this.#begin(() => this.#follow(id));
      }
    });
  }

  async #cancel(id: string, afterMs: number): Promise<void> {
    await wait(afterMs);
    await this.#try('cancel', async () => {
      this.#print({ type: 'cancelled', id, wasDone: await this.#client.jobs.cancel(id) });
    });
  }

  /** It may be begun again after its end: what it told is only looked at for being an end. */
  async #follow(id: string): Promise<void> {
    try {
      const job = await this.#client.jobs.get(id);
      const transcript = await job?.result({ timeoutMs: RESULT_TIMEOUT_MS });
      this.#print({ type: 'result', id, outcome: transcript === undefined ? 'missing' : 'completed' });
    } catch (error) {
      if (!TranscriptionError.isInstance(error)) throw error;
      this.#print({ type: 'result', id, outcome: error.code });
    }
  }

  async #retrySome(count: number): Promise<void> {
    await this.#try('retry', async () => {
      const state = this.#dice.oneOf(['failed', 'failed', 'cancelled'] as const);
      const { items } = await this.#client.jobs.list({ state, limit: 20 });
      for (const { id } of items.slice(0, count)) {
        await this.#client.jobs.retry(id);
        this.#print({ type: 'retried', id });
      }
    });
  }

  async #untilThereIsRoom(): Promise<void> {
    while (!this.#isStopping) {
      const query = { state: 'queued', limit: MOST_WAITING } as const;
      const page = await this.#client.jobs.list(query).catch(() => undefined);
      if (page === undefined || page.items.length < MOST_WAITING) return;
      await wait(100);
    }
  }
}
