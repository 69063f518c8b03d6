import { StorageError } from '../../errors/index.js';

export interface PostgresResult {
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
}

/** A connection taken from a pool: `PoolClient` of pg. */
export interface PostgresClient {
  query(text: string, values?: readonly unknown[]): Promise<PostgresResult>;
  /** With an error, the connection is closed instead of used again. */
  release(error?: Error | boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** `Pool` of pg. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

export interface OwnPool extends PostgresPool {
  end(): Promise<void>;
}

export interface PoolSettings {
  readonly connectionString: string;
  readonly maxConnections: number;
  readonly acquireTimeoutMs: number;
}

/** Who waits for a connection gives up before the pool does, and says more. */
const SPARE_MS = 100;

/**
 * A pool of the package pg, loaded when it is first used.
 *
 * Rejects with a StorageError where the package is not there.
 */
export async function openPool({
  connectionString,
  maxConnections,
  acquireTimeoutMs,
}: PoolSettings): Promise<OwnPool> {
  const { Pool } = await loadPg();
  const pool = new Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: acquireTimeoutMs + SPARE_MS,
    application_name: 'transcription-client',
  });
  // An idle connection that breaks is replaced at the next call; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool as unknown as OwnPool;
}

async function loadPg(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new StorageError(
      'The package pg is not installed. Run npm install pg, or pass a pool of your own.',
      {
        code: 'storage_unavailable',
        cause,
      },
    );
  }
}
