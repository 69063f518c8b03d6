import type { IQueueBackend } from 'bullmq';
import type { QueueDepth } from '../../contracts/queue.js';
import { Lazy } from '../../internal/lazy.js';
import {
  BackendConsumer,
  BackendProducer,
  type Bullmq,
  loadBullmq,
  toJobJson,
  workerOptions,
} from './bullmq.js';
import type { Consumer, Consumers, Engine, FetchedJob, Producer } from './engine.js';
import { type JobData, type NewJob, rankOf } from './entry.js';
import { derivedName } from './options.js';
import { PostgresMessages } from './postgres-channel.js';
import type { PostgresSettings } from './postgres-options.js';
import { borrowPool, type OpenedPool, openPool, type PostgresQueuePool, prepare } from './postgres-pool.js';
import { settlesWithin } from './settles-within.js';

/** A worker waits so long for a sign of new entries, then looks by itself. */
const MAX_BLOCK_MS = 5000;
/** What waits for a server that does not answer is given up. */
const CLOSE_MS = 300;

/** The types of BullMQ leave out those of a queue that is paused. */
const COUNTED: readonly string[] = ['waiting', 'paused', 'prioritized', 'delayed', 'active'];

interface Opened {
  readonly bullmq: Bullmq;
  readonly pool: PostgresQueuePool;
  readonly producer: PostgresProducer;
}

/** BullMQ on PostgreSQL. */
export function createPostgresEngine(settings: PostgresSettings): Engine {
  const { name, clock } = settings;
  let held: OpenedPool | undefined;
  const opening = new Lazy<Opened>(async () => {
    const bullmq = await loadBullmq();
    held ??= settings.pool === undefined ? await openPool(settings) : borrowPool(settings.pool);
    const { pool } = held;
    await prepare(pool, bullmq);
    return { bullmq, pool, producer: new PostgresProducer(openBackend(bullmq, name, pool), pool, name) };
  });
  const open = async (): Promise<Opened> => opening.value ?? (await opening.get());
  const messages = new PostgresMessages({
    queue: name,
    clock,
    timeoutMs: settings.commandTimeoutMs,
    pool: async () => (await open()).pool,
  });
  return {
    server: 'PostgreSQL',
    shards: 1,
    shardOf: () => 0,
    messages,
    producer: async () => (await open()).producer,
    consume: async () => openConsumers(settings, await open()),
    async epoch() {
      const { pool } = await open();
      const { rows } = await pool.query(
        `WITH made AS (
           INSERT INTO meta (queue, field, value) VALUES ($1, 'transcription-epoch', $2)
             ON CONFLICT (queue, field) DO UPDATE SET value = meta.value RETURNING value
         ) SELECT value || ':' || extract(epoch FROM pg_postmaster_start_time()) AS epoch FROM made`,
        [name, globalThis.crypto.randomUUID()],
      );
      return String((rows[0] as { epoch: unknown }).epoch);
    },
    async health() {
      await (await open()).pool.query('SELECT 1');
      return [];
    },
    derive: (derived) => createPostgresEngine({ ...settings, name: derivedName(name, derived) }),
    // The pool closes a connection that does not answer.
    reconnect: () => undefined,
    async close() {
      const end = async (): Promise<void> => {
        const opened = await opening.peek();
        await messages.close();
        await opened?.producer.backend.close();
      };
      await settlesWithin(clock, end(), CLOSE_MS);
      await held?.close();
    },
  };
}

function openBackend(
  bullmq: Bullmq,
  name: string,
  pool: PostgresQueuePool,
  more: object = {},
): IQueueBackend {
  // It would leave a listener on the pool for each of its own.
  const quiet = {
    connect: () => pool.connect(),
    query: (text: string, values?: readonly unknown[]) => pool.query(text, values),
    end: async () => undefined,
    on: () => quiet,
    removeAllListeners: () => quiet,
  };
  const options = { connection: quiet, ...more };
  const backend = bullmq.createPostgresBackend(
    name,
    options as unknown as Parameters<Bullmq['createPostgresBackend']>[1],
  );
  backend.on('error', () => undefined);
  return backend;
}

class PostgresProducer extends BackendProducer implements Producer {
  readonly #pool: PostgresQueuePool;
  readonly #name: string;

  constructor(backend: IQueueBackend, pool: PostgresQueuePool, name: string) {
    super(backend);
    this.#pool = pool;
    this.#name = name;
  }

  async add(jobs: readonly NewJob[]): Promise<void> {
    const [first] = jobs;
    // The statement for many makes tables for itself, which takes longer than to add one.
    if (first !== undefined && jobs.length === 1) await this.backend.addJob(toJobJson(first), first.id);
    else await this.backend.addJobs(jobs.map((job) => ({ job: toJobJson(job), jobId: job.id })));
    const rows = new Map<number, { readonly ids: string[]; readonly groups: string[] }>();
    for (const { id, priority, data } of jobs) {
      if (data.group === undefined) continue;
      const row = rows.get(priority) ?? { ids: [], groups: [] };
      rows.set(priority, row);
      row.ids.push(id);
      row.groups.push(data.group);
    }
    for (const [priority, { ids, groups }] of rows) {
      const values = [this.#name, priority, ids, groups];
      await this.#pool.query('SELECT transcription_fair_order($1, $2, $3, $4)', values);
    }
  }

  async remove(jobId: string, data: JobData): Promise<'removed' | 'locked' | 'missing'> {
    const [isMissing] = await this.missing([jobId]);
    if (isMissing !== undefined) return 'missing';
    if (data.group !== undefined) {
      const values = [this.#name, rankOf(data), jobId, data.group];
      await this.#pool.query('SELECT transcription_forget_place($1, $2, $3, $4)', values);
    }
    return (await this.backend.remove(jobId, false)) > 0 ? 'removed' : 'locked';
  }

  async depth(): Promise<QueueDepth> {
    const [counts, [due = 0]] = await Promise.all([
      this.backend.getCounts(COUNTED as Parameters<IQueueBackend['getCounts']>[0]),
      // Those that are due become waiting ones when a worker looks.
      this.backend.getCounts(['delayed'], Date.now() + 1),
    ]);
    const [wait = 0, paused = 0, prioritized = 0, delayed = 0, active = 0] = counts;
    return { waiting: wait + paused + prioritized + due, delayed: delayed - due, active };
  }

  async missing(jobIds: readonly string[]): Promise<readonly string[]> {
    const { rows } = await this.#pool.query('SELECT id FROM job WHERE queue = $1 AND id = ANY ($2)', [
      this.#name,
      jobIds,
    ]);
    const found = new Set(rows.map((row) => (row as { id: string }).id));
    return jobIds.filter((id) => !found.has(id));
  }
}

function openConsumers(settings: PostgresSettings, { bullmq, pool }: Opened): Consumers {
  const backend = openBackend(bullmq, settings.name, pool, workerOptions(settings));
  const close = (): void => void backend.close(true).catch(() => undefined);
  return {
    shards: [new PostgresConsumer(backend, settings, pool)],
    interrupt: () => void backend.disconnectBlocking(false).catch(() => undefined),
    reconnect: () => undefined,
    close,
  };
}

class PostgresConsumer extends BackendConsumer implements Consumer {
  readonly #pool: PostgresQueuePool;
  readonly #name: string;

  constructor(backend: IQueueBackend, { name, lockDurationMs }: PostgresSettings, pool: PostgresQueuePool) {
    super(backend, lockDurationMs);
    this.#pool = pool;
    this.#name = name;
  }

  override async delay(job: FetchedJob, token: string, delayMs: number): Promise<void> {
    await super.delay(job, token, delayMs);
    if (job.data?.group === undefined) return;
    // It would come back to the place that it had.
    await this.#pool
      .query(`UPDATE job SET seq = nextval('job_seq') WHERE queue = $1 AND id = $2 AND state = 'delayed'`, [
        this.#name,
        job.id,
      ])
      .catch(() => undefined);
  }

  protected takeTurns(rank: number): Promise<unknown> {
    return this.#pool.query('SELECT transcription_fair_order($1, $2, NULL, NULL)', [this.#name, rank]);
  }

  /** It is there already: BullMQ counts down for it. */
  protected async goFirst(): Promise<void> {}

  async wait(timeoutMs: number): Promise<void> {
    await this.backend.waitForJob(Math.min(Math.max(1, timeoutMs), MAX_BLOCK_MS) / 1000);
  }

  /** Everybody who waits is told of an entry here. */
  async wakeAnother(): Promise<void> {}
}
