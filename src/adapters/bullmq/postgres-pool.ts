import type { Clock } from '../../contracts/clock.js';
import { QueueError } from '../../errors/index.js';
import type { Bullmq } from './bullmq.js';
import { POSTGRES_FAIR_ORDER } from './postgres-fair-order.js';
import { settlesWithin } from './settles-within.js';

export interface PostgresClient {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  release(error?: Error | boolean): void;
  on(event: string, listener: (value: never) => void): unknown;
  off(event: string, listener: (value: never) => void): unknown;
}

/** A `Pool` of pg, as it is handed in. */
export interface PostgresPoolInstance {
  connect(): Promise<object>;
  query(...parameters: never[]): unknown;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** The same, as it is used here. */
export interface PostgresQueuePool {
  connect(): Promise<PostgresClient>;
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  end(): Promise<void>;
  on(event: string, listener: (value: never) => void): unknown;
  off(event: string, listener: (value: never) => void): unknown;
}

export interface PoolSettings {
  readonly connectionString: string;
  readonly maxConnections: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
}

/** A pool, and the way to be done with it, however the server is. */
export interface OpenedPool {
  readonly pool: PostgresQueuePool;
  close(): Promise<void>;
}

/** BullMQ keeps all of its tables in it. */
const SCHEMA = 'bullmq';
/** A server that does not answer gets so long to say goodbye. */
const GOODBYE_MS = 300;

const IGNORE = (): void => undefined;

/** One that was handed in stays open. */
export function borrowPool(pool: PostgresQueuePool): OpenedPool {
  // An idle connection that breaks is replaced at the next call; without a listener it would end the process.
  pool.on('error', IGNORE);
  return {
    pool,
    async close() {
      pool.off('error', IGNORE);
    },
  };
}

/** Gives up a connection. It may be dead: then nobody answers to its goodbye, and it would keep the process. */
export function discard(client: PostgresClient): void {
  client.on('error', IGNORE);
  client.release(true);
  streamOf(client)?.destroy?.();
}

interface Stream {
  destroy?(): unknown;
  once?(event: 'close', listener: () => void): unknown;
}

function streamOf(client: unknown): Stream | undefined {
  return (client as { connection?: { stream?: Stream } }).connection?.stream;
}

export async function openPool(settings: PoolSettings): Promise<OpenedPool> {
  const { Pool } = await loadPg();
  const pool = new Pool({
    connectionString: settings.connectionString,
    max: settings.maxConnections,
    connectionTimeoutMillis: settings.commandTimeoutMs,
    query_timeout: settings.commandTimeoutMs,
    keepAlive: true,
    application_name: 'transcription-client',
    options: `-c search_path=${SCHEMA}`,
  });
  pool.on('error', IGNORE);
  const streams = new Set<Stream>();
  pool.on('connect', (client) => {
    const stream = streamOf(client);
    if (stream === undefined) return;
    streams.add(stream);
    stream.once?.('close', () => streams.delete(stream));
  });
  return {
    pool: pool as unknown as PostgresQueuePool,
    async close() {
      await settlesWithin(settings.clock, pool.end(), GOODBYE_MS);
      for (const stream of streams) stream.destroy?.();
    },
  };
}

/** Makes the tables of BullMQ and ours, where they are not there. */
export async function prepare(pool: PostgresQueuePool, { runMigrations }: Bullmq): Promise<void> {
  const client = await pool.connect();
  client.on('error', IGNORE);
  try {
    await runMigrations(client as unknown as Parameters<Bullmq['runMigrations']>[0], SCHEMA);
    const { rows } = await client.query('SELECT current_schema() AS schema');
    if ((rows[0] as { schema: unknown }).schema !== SCHEMA) {
      throw new QueueError(
        `The pool must look for tables in the schema ${SCHEMA} first. Make it with { options: '-c search_path=${SCHEMA}' }.`,
        { code: 'queue_misconfigured' },
      );
    }
    await client.query('BEGIN');
    // Of two processes that start at once, one waits.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('transcription-client'))");
    await client.query(POSTGRES_FAIR_ORDER);
    await client.query('COMMIT');
    client.off('error', IGNORE);
    client.release();
  } catch (error) {
    discard(client);
    throw error;
  }
}

async function loadPg(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new QueueError('The package pg is not installed. Run npm install pg, or pass a pool of your own.', {
      code: 'queue_failed',
      cause,
    });
  }
}
