import { StorageError } from '../../errors/index.js';

export interface Row {
  readonly id: string;
  readonly userId: string | undefined;
  readonly status: string;
  readonly createdAt: string;
  readonly version: number;
  /** The data as text: no caller can change it from outside. */
  readonly json: string;
  /** Orders rows of the same moment. A row keeps its own as long as it lives. */
  readonly sequence: number;
}

type Position = Pick<Row, 'createdAt' | 'sequence'>;

/** Records with one of these are work that nobody has done yet. */
const UNFINISHED: ReadonlySet<string> = new Set(['queued', 'active', 'running']);

/** The records of one kind: found by id, listed by age, bounded in number. */
export class MemoryCollection {
  readonly #maxRecords: number;
  readonly #byId = new Map<string, Row>();
  /** Invariant: the rows of `#byId`, oldest first. */
  readonly #byAge: Row[] = [];
  #sequence = 0;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  get(id: string): Row | undefined {
    return this.#byId.get(id);
  }

  set(row: Omit<Row, 'sequence'>): void {
    const before = this.#byId.get(row.id);
    if (before === undefined) {
      this.#makeRoom();
      this.#insert({ ...row, sequence: ++this.#sequence });
    } else if (before.createdAt === row.createdAt) {
      const after = { ...row, sequence: before.sequence };
      this.#byAge[this.#indexOf(before)] = after;
      this.#byId.set(row.id, after);
    } else {
      this.delete(row.id);
      this.#insert({ ...row, sequence: before.sequence });
    }
  }

  delete(id: string): boolean {
    const row = this.#byId.get(id);
    if (row === undefined) return false;
    this.#byAge.splice(this.#indexOf(row), 1);
    return this.#byId.delete(id);
  }

  /** Rows older than the position, or all. */
  *newestFirst(before?: Position): Generator<Row> {
    const start = before === undefined ? this.#byAge.length : this.#indexOf(before);
    for (let index = start - 1; index >= 0; index--) yield this.#byAge[index] as Row;
  }

  #insert(row: Row): void {
    this.#byAge.splice(this.#indexOf(row), 0, row);
    this.#byId.set(row.id, row);
  }

  #makeRoom(): void {
    if (this.#byId.size < this.#maxRecords) return;
    const oldest = this.#byAge.find((row) => !UNFINISHED.has(row.status));
    if (oldest === undefined) {
      throw new StorageError(
        `The memory storage is full: all of its ${this.#maxRecords} jobs are still queued or active. ` +
          'Wait for some of them to end, raise maxRecords, or use a durable storage.',
        { code: 'storage_failed', retryable: true },
      );
    }
    this.delete(oldest.id);
  }

  /** Index of the first row that is not older than the position. */
  #indexOf(position: Position): number {
    let low = 0;
    let high = this.#byAge.length;
    // Almost every insertion belongs at the end.
    const newest = this.#byAge[high - 1];
    if (newest === undefined || isOlder(newest, position)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isOlder(this.#byAge[middle] as Row, position)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isOlder(left: Position, right: Position): boolean {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt;
  return left.sequence < right.sequence;
}
