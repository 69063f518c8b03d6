import { setTimeout as wait } from 'node:timers/promises';
import type { RedisServer } from '../support/redis-server.mjs';
import { Dice } from './dice.js';
import type { JobsParameters } from './jobs-lines.js';
import { type JobsProcess, type JobsRig, LOCK_MS } from './jobs-rig.js';
import type { Tally } from './tally.js';

const PRODUCERS = ['reject', 'keep'] as const;
/** What a process that drains for at most two seconds may take on a machine that is busy. */
const DRAINED_WITHIN_MS = 8000;

/**
 * Faults that come and go, each kind in a row of its own, so that any of them may happen at the same time. What
 * happens, and how long each fault and each pause lasts, follows from the seed.
 */
export class JobsFaults {
  readonly #rig: JobsRig;
  readonly #tally: Tally;
  readonly #over = new AbortController();
  readonly #dice: (row: number) => Dice;

  constructor(rig: JobsRig, seed: number, tally: Tally) {
    this.#rig = rig;
    this.#tally = tally;
    this.#dice = (row) => new Dice(seed, row + 1);
  }

  /** Resolves to the processes that run at the end, when all faults are over. */
  async run(
    durationMs: number,
  ): Promise<{ workers: readonly JobsProcess[]; producers: readonly JobsProcess[] }> {
    const { redis } = this.#rig;
    const workerCount = this.#dice(0).whole(2, 4);
    const workers = Array.from({ length: workerCount }, (_, index) =>
      this.#workerRow(this.#dice(10 + index)),
    );
    const producers = PRODUCERS.map((whenDown, index) => this.#producerRow(whenDown, this.#dice(20 + index)));
    const timer = setTimeout(() => this.#over.abort(), durationMs);
    try {
      const redisRow = redis && this.#redisRow(redis, this.#dice(1));
      const [left, making] = await Promise.all([Promise.all(workers), Promise.all(producers), redisRow]);
      return { workers: left, producers: making };
    } finally {
      clearTimeout(timer);
      this.#over.abort();
    }
  }

  async #workerRow(dice: Dice): Promise<JobsProcess> {
    const start = (): Promise<JobsProcess> =>
      this.#rig.start('worker', { concurrency: dice.whole(1, 8), drainMs: dice.oneOf([0, 100, 500, 2000]) });
    let worker = await start();
    while (await this.#pause(dice.whole(300, 3000))) {
      const fault = dice.oneOf(['kill', 'kill', 'stop', 'stop', 'drain'] as const);
      const lastsMs = dice.whole(0, 2 * LOCK_MS);
      this.#tally.count(`worker: ${fault}`);
      if (fault === 'stop') await this.#stop(worker, lastsMs);
      else {
        await (fault === 'kill' ? worker.kill() : this.#drain(worker));
        await this.#pause(lastsMs / 3);
        worker = await start();
      }
    }
    return worker;
  }

  async #producerRow(whenDown: JobsParameters['whenDown'], dice: Dice): Promise<JobsProcess> {
    let producer = await this.#rig.start('producer', { whenDown });
    while (await this.#pause(dice.whole(1000, 6000))) {
      const fault = dice.oneOf(['kill', 'stop'] as const);
      this.#tally.count(`producer: ${fault}`);
      if (fault === 'stop') await this.#stop(producer, dice.whole(0, LOCK_MS));
      else {
        await producer.kill();
        producer = await this.#rig.start('producer', { whenDown });
      }
    }
    return producer;
  }

  async #redisRow(redis: RedisServer, dice: Dice): Promise<void> {
    while (await this.#pause(dice.whole(500, 4000))) {
      const fault = dice.oneOf(['crash', 'crash', 'freeze', 'freeze', 'flush'] as const);
      const lastsMs = dice.whole(0, 2 * LOCK_MS);
      this.#tally.count(`redis: ${fault}`);
      if (fault === 'flush') await redis.client.flushall();
      else if (fault === 'crash') {
        await redis.crash();
        await this.#pause(lastsMs);
        await redis.start();
      } else {
        redis.freeze();
        await this.#pause(lastsMs);
        redis.thaw();
      }
    }
  }

  async #stop({ script }: JobsProcess, lastsMs: number): Promise<void> {
    script.signal('SIGSTOP');
    await this.#pause(lastsMs);
    script.signal('SIGCONT');
  }

  /** It gives back what it does not get done, and ends in time. */
  async #drain(worker: JobsProcess): Promise<void> {
    const askedAt = performance.now();
    worker.mayEndWith = ['SIGTERM'];
    worker.script.signal('SIGTERM');
    const late = wait(DRAINED_WITHIN_MS, 'late', { ref: false });
    const outcome = await Promise.race([worker.script.ended(), late]);
    this.#tally.largest('ms until a worker had drained', performance.now() - askedAt);
    if (outcome === 'SIGTERM') return;
    throw new Error(`${worker.name} should have drained, but: ${worker.crash ?? outcome}.`);
  }

  /** False where the time of the faults is over. */
  async #pause(ms: number): Promise<boolean> {
    const { signal } = this.#over;
    await wait(ms, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }
}
