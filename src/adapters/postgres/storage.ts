import type { Clock } from '../../contracts/clock.js';
import type { StorageAdapter } from '../../contracts/storage.js';
import { BadRequestError } from '../../errors/index.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { Lazy } from '../../internal/lazy.js';
import { systemClock } from '../../internal/system-clock.js';
import { checkMethods, checkNumber, invalidOption } from '../../internal/validate.js';
import type { SqlDialect, SqlStatement, SqlValue } from '../../records/sql.js';
import { createSqlStorage } from '../../records/sql-storage.js';
import { PostgresConnection, type PostgresPatience, storageClosed, withClient } from './connection.js';
import { toPostgresError } from './errors.js';
import { migrate, type TableName, tableName } from './migrations.js';
import { type OwnPool, openPool, type PostgresPool } from './pool.js';

export interface PostgresStorageOptions {
  /** Such as `postgres://user:password@host/database`. A pool of the package pg is opened at the first call. */
  connectionString?: string;
  /** A `Pool` of pg instead. It stays open. Give it a listener for `error`, as pg asks for. */
  pool?: PostgresPool;
  /** Schema of the tables, which must be there. Default: the first one of the connection's search path. */
  schema?: string;
  /** Name of the table of records; a second one, of the same name with `_meta`, is made as well. Default `transcription_records`. */
  table?: string;
  /** Connections of the pool that is opened here. Default 10. */
  maxConnections?: number;
  /** Longest wait for a connection. Default 5000. */
  acquireTimeoutMs?: number;
  /** Longest time of one call once it has a connection, which is closed after it. Default 30000. */
  queryTimeoutMs?: number;
  /** Bytes of the JSON of one record. Larger ones are refused with the code `record_too_large`. Default 67108864 (64 MiB). */
  maxRecordBytes?: number;
  /** Default: the machine's own time. */
  clock?: Clock;
}

interface Settings extends PostgresPatience {
  readonly pool: PostgresPool | undefined;
  readonly connectionString: string | undefined;
  readonly table: TableName;
  readonly maxConnections: number;
}

const KEYS: readonly (keyof PostgresStorageOptions)[] = [
  'connectionString',
  'pool',
  'schema',
  'table',
  'maxConnections',
  'acquireTimeoutMs',
  'queryTimeoutMs',
  'maxRecordBytes',
  'clock',
];

/**
 * Keeps records in PostgreSQL (13 or newer), in one table. The data is text, which is read faster, and
 * JSONB beside it for questions of your own. Many processes may share it.
 *
 * Makes its tables by itself at the first call. With a connection string it needs the package pg.
 *
 * @throws BadRequestError for options that are unknown or out of range.
 */
export function createPostgresStorage(options: PostgresStorageOptions): StorageAdapter {
  const settings = checked(options);
  const opening = new Lazy(() => open(settings));
  let closing: Promise<void> | undefined;
  async function connect(): Promise<PostgresConnection> {
    if (closing !== undefined) throw storageClosed();
    return (opening.value ?? (await opening.get())).connection;
  }
  async function closeOpened(): Promise<void> {
    const opened = await opening.peek();
    // The pool answers nobody who still waits for a connection when it ends.
    await opened?.connection.close();
    await opened?.endPool();
  }
  return createSqlStorage({
    capabilities: { shared: true, durable: true, atomic: true },
    dialect: dialectFor(settings.table.records),
    maxRecordBytes: options.maxRecordBytes,
    connect,
    close() {
      closing ??= closeOpened();
      return closing;
    },
  });
}

interface Opened {
  readonly connection: PostgresConnection;
  endPool(): Promise<void>;
}

async function open(settings: Settings): Promise<Opened> {
  const own = settings.pool === undefined ? await openPool(settings as OwnPoolSettings) : undefined;
  const pool = settings.pool ?? (own as OwnPool);
  const endPool = async (): Promise<void> => own?.end();
  try {
    const storeId = await withClient(pool, settings, (client) => migrate(client, settings.table));
    return { connection: new PostgresConnection(pool, storeId, settings), endPool };
  } catch (error) {
    await endPool().catch(() => undefined);
    throw toPostgresError(error);
  }
}

type OwnPoolSettings = Settings & { readonly connectionString: string };

function dialectFor(table: string): SqlDialect {
  return {
    table,
    parameter: (index) => `$${index}`,
    lockRows: 'FOR UPDATE',
    insertFrom: fromColumns,
  };
}

/**
 * One parameter for each column: to read a thousand rows of seven takes the server longer than to write them. What all
 * rows have in common is told once.
 */
function fromColumns(rows: readonly (readonly SqlValue[])[]): SqlStatement | undefined {
  const [first] = rows;
  if (first === undefined || rows.length === 1) return undefined;
  const columns = first.map((_, column) => rows.map((row) => row[column] ?? null));
  if (columns.some((values) => values.some(hasControlCharacter))) return undefined;
  const places = columns.map(isConstant);
  const selected = places.map((constant, index) => (constant ? `$${index + 1}::text` : `c${index + 1}`));
  const lists = places.flatMap((constant, index) => (constant ? [] : [index + 1]));
  const arrays = lists.map((number) => `$${number}::text[]`).join(', ');
  const names = lists.map((number) => `c${number}`).join(', ');
  return {
    text: `SELECT ${selected.join(', ')} FROM unnest(${arrays}) AS listed (${names})`,
    values: columns.map((values, index) => (places[index] ? (values[0] ?? null) : toArray(values))),
  };
}

/** Ids differ, so there is always a column that is none. */
function isConstant(values: readonly SqlValue[]): boolean {
  return values.every((value) => value === values[0]);
}

/**
 * An array as PostgreSQL reads one, which is JSON with other brackets where nothing but quotes and backslashes is
 * escaped. Three times as fast as what pg does with arrays.
 */
function toArray(values: readonly SqlValue[]): string {
  return `{${JSON.stringify(values).slice(1, -1)}}`;
}

function hasControlCharacter(value: SqlValue): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON escapes in a way of its own.
  return typeof value === 'string' && /[\u0000-\u001f]/.test(value);
}

function checked(options: PostgresStorageOptions): Settings {
  checkOptions('createPostgresStorage()', options as unknown, KEYS);
  const { connectionString, pool, schema, table = 'transcription_records' } = options;
  const {
    maxConnections = 10,
    acquireTimeoutMs = 5000,
    queryTimeoutMs = 30_000,
    clock = systemClock,
  } = options;
  checkMethods('pool', pool, ['connect']);
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new BadRequestError('createPostgresStorage() needs either a connectionString or a pool.', {
      code: 'invalid_option',
    });
  }
  if (connectionString !== undefined && !isConnectionString(connectionString)) {
    // The value stays out of the message: it holds a password.
    throw new BadRequestError(
      'The option connectionString must be a text such as postgres://user:password@host/database.',
      { code: 'invalid_option' },
    );
  }
  for (const [name, value] of Object.entries({ table, ...(schema === undefined ? {} : { schema }) })) {
    if (typeof value === 'string' && /^[a-z_][a-z0-9_]{0,47}$/.test(value)) continue;
    throw invalidOption(name, 'a name of small letters, digits and _', value);
  }
  checkNumber('maxConnections', maxConnections, { min: 1 });
  checkNumber('acquireTimeoutMs', acquireTimeoutMs, { min: 1 });
  checkNumber('queryTimeoutMs', queryTimeoutMs, { min: 1 });
  checkNumber('maxRecordBytes', options.maxRecordBytes, { min: 1 });
  checkMethods('clock', clock, ['monotonicMs', 'wallMs', 'setTimer']);
  return {
    pool,
    connectionString,
    table: tableName(table, schema),
    maxConnections,
    acquireTimeoutMs,
    queryTimeoutMs,
    clock,
  };
}

function isConnectionString(value: unknown): boolean {
  return typeof value === 'string' && /^(?:postgres|postgresql):\/\/./.test(value);
}
