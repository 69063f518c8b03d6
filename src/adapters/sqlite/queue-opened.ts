import type { SqliteHandle } from './handle.js';
import { startOfMachine } from './machine.js';
import { openPlace, type SqlitePlace } from './place.js';
import { QueueEntries } from './queue-entries.js';
import { QueueLeases } from './queue-leases.js';
import { QueueMessages } from './queue-messages.js';
import { QUEUE_MIGRATIONS } from './queue-schema.js';
import { QueueTime } from './queue-time.js';

/** What there is of one queue once its file is open. */
export interface OpenedQueue {
  readonly handle: SqliteHandle;
  /** Another one where the file is another one, or may have lost its last entries with the power. */
  readonly epoch: string;
  readonly entries: QueueEntries;
  readonly leases: QueueLeases;
  readonly messages: QueueMessages;
  /** Rejects where the file cannot be written. */
  check(busyTimeoutMs: number): Promise<void>;
  /** Another one whenever somebody has changed the file. Rejects where it is locked. */
  version(): Promise<string>;
  close(): void;
}

/** Rejects with a StorageError. */
export async function openQueue(place: SqlitePlace, queue: string): Promise<OpenedQueue> {
  const { table, clock } = place;
  const { handle, storeId, close } = await openPlace(place, QUEUE_MIGRATIONS);
  try {
    const time = await QueueTime.open(handle, table, clock);
    return {
      handle,
      epoch: `${storeId} ${startOfMachine() ?? ''}`,
      check: (busyTimeoutMs) => check(handle, table, busyTimeoutMs),
      version: () => versionOf(handle),
      entries: new QueueEntries(handle, table, queue, time),
      leases: new QueueLeases(handle, table, queue),
      messages: new QueueMessages({ handle, table, queue, time, clock }),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Changes nothing, but as if it did. */
async function check(handle: SqliteHandle, table: string, busyTimeoutMs: number): Promise<void> {
  await handle.transact(() => void handle.prepare(`UPDATE ${table}_meta SET version = version`).run(), {
    isKept: () => false,
    busyTimeoutMs,
  });
}

async function versionOf(handle: SqliteHandle): Promise<string> {
  // The first tells of other connections, the second of others who have been handed the same one.
  const sql = 'SELECT data_version, total_changes() AS changes FROM pragma_data_version';
  const read = () => handle.prepare(sql).all() as { data_version: number; changes: number }[];
  const [row] = await handle.run(read, { busyTimeoutMs: 0 });
  return `${row?.data_version} ${row?.changes}`;
}
