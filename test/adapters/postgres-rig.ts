import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';

/** A server for the tests of a file. */
export function testServer(settings?: Readonly<Record<string, string>>): { readonly server: PostgresServer } {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await startPostgres(settings);
  }, 60_000);
  afterAll(() => server?.close(), 60_000);
  return {
    get server() {
      if (server === undefined) throw new Error('The server has not been started.');
      return server;
    },
  };
}

/** A session that does by hand what other programs do. */
export async function openSession(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** As an application makes one. */
export function openPool(settings: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(settings);
  pool.on('error', () => undefined);
  return pool;
}

/** Waits for a condition, which comes true within some seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sessions of this database that wait for a lock. */
export async function waitingSessions(server: PostgresServer, url: string): Promise<number[]> {
  const rows = await server.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = '${nameOf(url)}' AND wait_event_type = 'Lock'`,
  );
  return rows.map(({ pid }) => Number(pid));
}

/** Ends all sessions of this database, or those that are named. */
export async function endSessions(
  server: PostgresServer,
  url: string,
  pids?: readonly number[],
): Promise<void> {
  if (pids?.length === 0) return;
  const which = pids === undefined ? '' : ` AND pid IN (${pids.join(', ')})`;
  await server.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${nameOf(url)}'${which}`,
  );
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
