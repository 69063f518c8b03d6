import { openPlace, type SqlitePlace } from './place.js';
import { QueueEntries } from './queue-entries.js';
import { QueueLeases } from './queue-leases.js';
import { QueueMessages } from './queue-messages.js';
import { QUEUE_MIGRATIONS } from './queue-schema.js';
import { QueueTime } from './queue-time.js';
import type { SqliteHandle } from './handle.js';

/** What there is of one queue once its file is open. */
export interface OpenedQueue {
  readonly handle: SqliteHandle;
  readonly storeId: string;
  readonly entries: QueueEntries;
  readonly leases: QueueLeases;
  readonly messages: QueueMessages;
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
      storeId,
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
