/** The kinds of record that the client keeps. `idempotency` holds which call answers for a key. */
export type StorageCollection = 'transcripts' | 'jobs' | 'idempotency';

/** A record is plain JSON data in an envelope that an adapter can index. */
export interface StoredRecord {
  readonly collection: StorageCollection;
  readonly id: string;
  readonly userId?: string;
  /** Of a job its state. */
  readonly status: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
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

export interface ListQuery {
  readonly userId?: string;
  readonly status?: string;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface Page<Item> {
  /** Newest first. */
  readonly items: readonly Item[];
  /** Missing on the last page. */
  readonly nextCursor?: string;
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
 * Where transcripts and job records are kept.
 *
 * Records handed out and taken in are values: changing one later changes nothing in the store.
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
  close?(): Promise<void>;
}
