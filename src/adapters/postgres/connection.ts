import type { Clock } from '../../contracts/clock.js';
import { StorageError, type TranscriptionError } from '../../errors/index.js';
import { sleep } from '../../internal/sleep.js';
import type { SqlStatement, SqlStep } from '../../records/sql.js';
import type { SqlConnection, SqlRow } from '../../records/sql-storage.js';
import { isBroken, isConflict, toPostgresError } from './errors.js';
import type { PostgresClient, PostgresPool } from './pool.js';

export interface PostgresPatience {
  readonly clock: Clock;
  /** For a connection of the pool. */
  readonly acquireTimeoutMs: number;
  /** For all that is done with it at a time. */
  readonly queryTimeoutMs: number;
}

const CONFLICT_ATTEMPTS = 10;
const CONFLICT_WAIT_MS = 20;

/** A pool and the id of its store. */
export class PostgresConnection implements SqlConnection {
  readonly storeId: string;
  readonly #pool: PostgresPool;
  readonly #patience: PostgresPatience;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(pool: PostgresPool, storeId: string, patience: PostgresPatience) {
    this.#pool = pool;
    this.storeId = storeId;
    this.#patience = patience;
  }

  rows({ text, values }: SqlStatement): Promise<readonly SqlRow[]> {
    return this.#run(async (client) => (await client.query(text, values)).rows as SqlRow[]);
  }

  change({ text, values }: SqlStatement): Promise<number> {
    return this.#run(async (client) => (await client.query(text, values)).rowCount ?? 0);
  }

  transact(steps: readonly SqlStep[]): Promise<boolean> {
    return this.#run((client) => inTransaction(client, () => allHold(client, steps)));
  }

  /** Resolves when the calls that have begun have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  #run<Value>(work: (client: PostgresClient) => Promise<Value>): Promise<Value> {
    if (this.#isClosed) return Promise.reject(storageClosed());
    const running = this.#inOrder(work);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Begins again where the server could not bring it into an order with what others did. */
  async #inOrder<Value>(work: (client: PostgresClient) => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await withClient(this.#pool, this.#patience, work);
      } catch (error) {
        if (attempt >= CONFLICT_ATTEMPTS || !isConflict(error)) throw toPostgresError(error);
      }
      await sleep(this.#patience.clock, CONFLICT_WAIT_MS * attempt * Math.random());
    }
  }
}

async function allHold(client: PostgresClient, steps: readonly SqlStep[]): Promise<boolean> {
  for (const { text, values, least } of steps) {
    if (((await client.query(text, values)).rowCount ?? 0) < least) return false;
  }
  return true;
}

/** Commits what resolves to true. */
async function inTransaction(client: PostgresClient, work: () => Promise<boolean>): Promise<boolean> {
  // Its conditions and locks look at what is stored now. A database may have another default.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    const holds = await work();
    await client.query(holds ? 'COMMIT' : 'ROLLBACK');
    return holds;
  } catch (error) {
    if (!isBroken(error)) await client.query('ROLLBACK');
    throw error;
  }
}

/**
 * Works with a connection of the pool, for a bounded time.
 *
 * A connection that took too long, or broke, is closed: whatever was under way on it is no longer waited for. A
 * transaction that was not committed by then never will be.
 */
export async function withClient<Value>(
  pool: PostgresPool,
  { clock, acquireTimeoutMs, queryTimeoutMs }: PostgresPatience,
  work: (client: PostgresClient) => Promise<Value>,
): Promise<Value> {
  const connecting = pool.connect();
  const client = await within(clock, acquireTimeoutMs, connecting, noConnection).catch((error) => {
    connecting.then((late) => late.release()).catch(() => undefined);
    throw error;
  });
  // A connection that breaks between two queries tells it by an event, which would end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let failure: Error | undefined;
  try {
    return await within(clock, queryTimeoutMs, work(client), noAnswer);
  } catch (error) {
    if (isBroken(error)) failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
    // One that was closed may still tell how.
    if (failure === undefined) client.off('error', ignore);
  }
}

async function within<Value>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<Value>,
  late: (timeoutMs: number) => TranscriptionError,
): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const timer = clock.setTimer(() => reject(late(timeoutMs)), timeoutMs);
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

function noConnection(timeoutMs: number): TranscriptionError {
  return new StorageError(
    `PostgreSQL gave no connection within ${timeoutMs} ms: it cannot be reached, or all connections of the pool are ` +
      'in use. Try again, or raise the size of the pool or acquireTimeoutMs.',
    { code: 'storage_unavailable', retryable: true },
  );
}

function noAnswer(timeoutMs: number): TranscriptionError {
  return new StorageError(
    `PostgreSQL gave no answer within ${timeoutMs} ms. Try again, or raise queryTimeoutMs.`,
    { code: 'storage_unavailable', retryable: true },
  );
}

export function storageClosed(): StorageError {
  return new StorageError('This PostgreSQL storage was closed. Make a new one for further calls.', {
    code: 'storage_unavailable',
  });
}
