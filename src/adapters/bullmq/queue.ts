import type {
  EntryHandler,
  QueueAdapter,
  QueueChannel,
  QueueDepth,
  QueueEntry,
  QueueProblem,
  QueueWorker,
  QueueWorkerOptions,
} from '../../contracts/queue.js';
import { QueueError } from '../../errors/index.js';
import { closeTimeoutMs } from '../../internal/check-arguments.js';
import { checkNumber } from '../../internal/validate.js';
import { publishCancel } from './cancels.js';
import type { Engine, Producer } from './engine.js';
import { toJob, toJobId } from './entry.js';
import { isRefusal, isStale, queueClosed, toQueueError, unavailable } from './errors.js';
import type { QueueTimes } from './options.js';
import { settlesWithin } from './settles-within.js';
import { Worker } from './worker.js';

const MESSAGE_TOPIC = 'messages';
/** Jobs or ids that are sent at a time. Each of these has the whole time of a command. */
const BATCH = 1000;
/** A health check that takes longer has its answer. */
const MAX_HEALTH_MS = 1900;

/** A queue on BullMQ. */
export class BullmqQueue implements QueueAdapter {
  readonly capabilities = { distributed: true, durable: true };
  readonly channel: QueueChannel;
  readonly #engine: Engine;
  readonly #times: QueueTimes;
  #worker: Worker | undefined;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, times: QueueTimes) {
    this.#engine = engine;
    this.#times = times;
    this.channel = {
      publish: (text) => this.#call(() => engine.messages.publish(MESSAGE_TOPIC, text)),
      subscribe: (listener) =>
        this.#call(
          () => engine.messages.subscribe(MESSAGE_TOPIC, listener),
          (stop) => stop(),
        ),
    };
  }

  async add(entries: readonly QueueEntry[]): Promise<void> {
    const jobs = entries.map(toJob);
    await this.#perShard(
      jobs,
      ({ id }) => id,
      (producer, part) => producer.add(part),
    );
  }

  async cancel(id: string): Promise<boolean> {
    this.#assertOpen();
    const jobId = toJobId(id);
    const here = this.#worker?.cancel(jobId);
    if (here === false) return false;
    if (here) {
      // Where the handler does not end in its lease, whoever fetches the entry next finds the mark.
      await this.#call(() => this.#markCancelled(jobId)).catch(() => undefined);
      return true;
    }
    return this.#call(async () => {
      const producer = await this.#engine.producer(this.#engine.shardOf(jobId));
      const data = await producer.find(jobId);
      // One that was cancelled while it ran may wait again, for a worker to end it.
      if (data === undefined || data.cancelled) return false;
      const removed = await producer.remove(jobId, data);
      if (removed !== 'locked') return removed === 'removed';
      if (!(await this.#markCancelled(jobId))) return false;
      await publishCancel(this.#engine, jobId);
      return true;
    });
  }

  /** Of an entry that runs, for a worker that misses the message. False where it has ended or was marked before. */
  async #markCancelled(jobId: string): Promise<boolean> {
    const producer = await this.#engine.producer(this.#engine.shardOf(jobId));
    const data = await producer.find(jobId);
    if (data === undefined || data.cancelled) return false;
    try {
      await producer.updateData(jobId, { ...data, cancelled: true });
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  startWorker(handler: EntryHandler, options: QueueWorkerOptions): QueueWorker {
    this.#assertOpen();
    if (this.#worker !== undefined) {
      throw new QueueError('This queue has a worker already. Close it before you start another one.', {
        code: 'queue_failed',
      });
    }
    checkNumber('concurrency', options.concurrency, { min: 1 });
    const worker = new Worker(this.#engine, handler, options, this.#times);
    this.#worker = worker;
    let stopping: Promise<void> | undefined;
    return {
      close: async (closeOptions) => {
        const timeoutMs = closeTimeoutMs(closeOptions);
        stopping ??= this.#stop(worker, timeoutMs);
        await stopping;
      },
    };
  }

  async depth(): Promise<QueueDepth> {
    const sum = { waiting: 0, delayed: 0, active: 0 };
    const depths = await this.#call(() =>
      Promise.all(this.#shards().map(async (shard) => (await this.#engine.producer(shard)).depth())),
    );
    for (const { waiting, delayed, active } of depths) {
      sum.waiting += waiting;
      sum.delayed += delayed;
      sum.active += active;
    }
    return sum;
  }

  async missing(ids: readonly string[]): Promise<readonly string[]> {
    const missing = new Set<string>();
    await this.#perShard([...new Set(ids.map(toJobId))], String, async (producer, part) => {
      for (const jobId of await producer.missing(part)) missing.add(jobId);
    });
    return ids.filter((id) => missing.has(toJobId(id)));
  }

  epoch(): Promise<string> {
    return this.#call(() => this.#engine.epoch());
  }

  health(): Promise<readonly QueueProblem[]> {
    const ms = Math.min(this.#times.commandTimeoutMs, MAX_HEALTH_MS);
    return this.#call(() => this.#engine.health(), undefined, ms);
  }

  derive(name: string): QueueAdapter {
    return new BullmqQueue(this.#engine.derive(name), this.#times);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#worker !== undefined) await this.#stop(this.#worker, 0);
    const { clock, commandTimeoutMs } = this.#times;
    await settlesWithin(clock, this.#engine.close(), commandTimeoutMs);
  }

  async #stop(worker: Worker, timeoutMs: number): Promise<void> {
    await worker.stop(timeoutMs);
    if (this.#worker === worker) this.#worker = undefined;
  }

  #shards(): readonly number[] {
    return Array.from({ length: this.#engine.shards }, (_, shard) => shard);
  }

  /** Hands each shard its own of the items, batch by batch. */
  async #perShard<Item>(
    items: readonly Item[],
    jobIdOf: (item: Item) => string,
    send: (producer: Producer, part: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    this.#assertOpen();
    const parts = this.#shards().map((): Item[] => []);
    for (const item of items) parts[this.#engine.shardOf(jobIdOf(item))]?.push(item);
    const sendPart = async (part: readonly Item[], shard: number): Promise<void> => {
      for (let from = 0; from < part.length; from += BATCH) {
        const batch = part.slice(from, from + BATCH);
        await this.#call(async () => send(await this.#engine.producer(shard), batch));
      }
    };
    await Promise.all(parts.map(sendPart));
  }

  /** A call of the back end, with an end. */
  async #call<Value>(
    call: () => Promise<Value>,
    letGo: (late: Value) => void = () => undefined,
    timeoutMs = this.#times.commandTimeoutMs,
  ): Promise<Value> {
    this.#assertOpen();
    const { server } = this.#engine;
    const calling = call();
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = this.#times.clock.setTimer(() => {
        isLate = true;
        this.#engine.reconnect();
        reject(unavailable(server));
      }, timeoutMs);
      calling.then(
        (value) => {
          timer.cancel();
          if (isLate) letGo(value);
          else resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          if (isStale(error) && !isLate) this.#engine.reconnect();
          reject(this.#closing === undefined ? toQueueError(error, server) : queueClosed());
        },
      );
    });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw queueClosed();
  }
}
