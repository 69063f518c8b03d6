/**
 * The kinds of record that the client keeps. `idempotency` holds which call answers for a key, `outbox` which jobs
 * the queue has yet to get, `webhooks` messages to deliver.
 */
export type StorageCollection = 'transcripts' | 'jobs' | 'idempotency' | 'outbox' | 'webhooks';

/** A record is plain JSON data in an envelope that an adapter can index. */
export interface StoredRecord {
  readonly collection: StorageCollection;
  /** 1 to 512 characters. No NUL, no half of a surrogate pair: not every back end can keep those. */
  readonly id: string;
  readonly userId?: string;
  /** Of a job its state. */
  readonly status: string;
  /** ISO 8601, UTC, as `toISOString()` writes it: lists are in the order of this text. */
  readonly createdAt: string;
  /** After it `purge()` may take the record away. Until then it is there. As `createdAt`. */
  readonly expiresAt?: string;
  /** Counts the writes of this record, from 1. Kept by the adapter. */
  readonly version: number;
  /** What JSON can say: other values are dropped or refused, as `JSON.stringify` does. */
  readonly data: unknown;
}

/** A record to write: the adapter sets the version. */
export type RecordInput = Omit<StoredRecord, 'version'>;

/** Makes a write one step that holds only where nobody wrote in between. */
export interface WriteCondition {
  /** The version that must be stored now. 0: there must be no such record. */
  readonly expectedVersion: number;
}

/** One step of a transaction. */
export type StorageChange =
  | { readonly type: 'put'; readonly record: RecordInput; readonly condition?: WriteCondition }
  | {
      readonly type: 'delete';
      readonly collection: StorageCollection;
      readonly id: string;
      readonly condition?: WriteCondition;
    }
  | {
      /** Writes nothing. The version is a fencing token: who lost the record to another writer changes nothing else. */
      readonly type: 'check';
      readonly collection: StorageCollection;
      readonly id: string;
      readonly condition: WriteCondition;
    };

export interface ListQuery {
  readonly userId?: string;
  readonly status?: string;
  /** Records created at this time or after it. ISO 8601, UTC, as `createdAt`. */
  readonly createdFrom?: string;
  /** Records created before this time. */
  readonly createdBefore?: string;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before, for the same filters. */
  readonly cursor?: string;
}

export interface Page<Item> {
  /** Newest first. */
  readonly items: readonly Item[];
  /** Missing on the last page. */
  readonly nextCursor?: string;
}

/** Which records to take away. One of the two times must be there; all that is there must fit. */
export interface PurgeQuery {
  readonly userId?: string;
  /** Records with one of these, of which there is at least one. */
  readonly statuses?: readonly string[];
  /** Records created before this time. ISO 8601, UTC, as `createdAt`. */
  readonly createdBefore?: string;
  /** Records whose `expiresAt` is this time or before it. Those without one stay. */
  readonly expiredBy?: string;
}

/** What an adapter can do, as data: the client never asks for an adapter's name. */
export interface StorageCapabilities {
  /** Other processes see the same records. */
  readonly shared: boolean;
  /** Records survive the end of the process. */
  readonly durable: boolean;
  /** A write with a condition is one step that no other writer can come between. */
  readonly atomic: boolean;
}

/**
 * Where transcripts, jobs and idempotency records are kept.
 *
 * Records handed out and taken in are values: changing one later changes nothing in the store. Failures are
 * StorageErrors. What is optional is done by the client itself, record by record, where it is missing.
 */
export interface StorageAdapter {
  readonly capabilities: StorageCapabilities;
  get(collection: StorageCollection, id: string): Promise<StoredRecord | undefined>;
  /**
   * Writes the record whole, as version 1 or the stored version plus 1.
   *
   * Where the condition does not hold it resolves to false and changes nothing.
   */
  put(record: RecordInput, condition?: WriteCondition): Promise<boolean>;
  /** Rejects with a StorageError where the cursor is not one of this store's. */
  list(collection: StorageCollection, query: ListQuery): Promise<Page<StoredRecord>>;
  /** Resolves to false where there was no such record, or where the condition does not hold. */
  delete(collection: StorageCollection, id: string, condition?: WriteCondition): Promise<boolean>;
  /**
   * All of the changes or none, in their order, as one step. Only where `capabilities.atomic` is true.
   *
   * Resolves to false, having changed nothing, where a condition does not hold. A delete without a condition
   * holds also where there is no such record.
   */
  transact?(changes: readonly StorageChange[]): Promise<boolean>;
  /** Takes away all records that fit. Resolves to their number. */
  purge?(collection: StorageCollection, query: PurgeQuery): Promise<number>;
  /** Resolves where records can be read and written now; rejects with a StorageError that says why not. */
  health?(): Promise<void>;
  /** Lets go of what the adapter itself has opened. Safe to call twice. */
  close?(): Promise<void>;
}
