import type { QueueAdapter } from '../../contracts/queue.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkNumber, invalidOption } from '../../internal/validate.js';
import { checkedPlace, PLACE_KEYS, type SqlitePlaceOptions } from './place.js';
import { SqliteQueue } from './queue-adapter.js';

export interface SqliteQueueOptions extends SqlitePlaceOptions {
  /** Tells several queues of one file apart: 1 to 64 letters, digits, `_`, `.` and `-`. Default `default`. */
  name?: string;
  /**
   * Name of the table of entries; more of the same name with endings such as `_meta` are made as well. Default
   * `transcription_queue`.
   */
  table?: string;
  /**
   * How long a worker that shows no life keeps what it runs: then others run it. What a process ran that has surely
   * ended is run again sooner. Default 30000, at least 100.
   */
  leaseMs?: number;
  /** How often a worker, or who listens to the channel, looks for what other processes have done. Default 100. */
  pollMs?: number;
}

/**
 * Keeps the queue in a SQLite file, in WAL mode: it survives the end of the process, and several processes of one
 * machine may share it. It may be the file of the storage.
 *
 * Opens the file at the first call. Uses the same packages as `createSqliteStorage`.
 *
 * An entry is run at least once: again, where the process that ran it is killed, or stands still for longer than
 * `leaseMs`. Leases and delays are measured on the monotonic clock. A delay that lasts beyond a restart of the machine
 * ends by the wall clock; on systems other than Linux also one that another process has set.
 *
 * @throws BadRequestError for options that are unknown or out of range, StorageError for a database that is closed.
 */
export function createSqliteQueue(options: SqliteQueueOptions): QueueAdapter {
  const keys = [...PLACE_KEYS, 'name', 'table', 'leaseMs', 'pollMs'];
  checkOptions('createSqliteQueue()', options as unknown, keys);
  const { name = 'default', table = 'transcription_queue', leaseMs = 30_000, pollMs = 100 } = options;
  const place = checkedPlace(options, table);
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
    throw invalidOption('name', '1 to 64 letters, digits, _, . and -', name);
  }
  checkNumber('leaseMs', leaseMs, { min: 100 });
  checkNumber('pollMs', pollMs, { min: 1 });
  return new SqliteQueue({ place, name, leaseMs, pollMs });
}
