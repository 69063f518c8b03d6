import { StorageError } from '../../errors/index.js';
import type { Position } from '../../records/pages.js';
import type { JsonRecord } from '../../records/record.js';

/** The data is text: no caller can change it from outside. */
export interface Row extends JsonRecord, Position {
  readonly version: number;
}

export interface Bounds {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Records with one of these are work that nobody has done yet. */
const UNFINISHED: ReadonlySet<string> = new Set(['queued', 'active', 'running', 'pending']);

/** The records of one kind: found by id, listed by age, bounded in number. */
export class MemoryCollection {
  readonly #bounds: Bounds;
  readonly #byId = new Map<string, Row>();
  /** Invariant: the rows of `#byId`, oldest first. */
  readonly #byAge: Row[] = [];
  #sequence = 0;
  /** Invariant: of all texts of data together, where a character counts as one. */
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get(id: string): Row | undefined {
    return this.#byId.get(id);
  }

  /**
   * Returns the rows that it pushed out.
   *
   * @throws StorageError where there is no room: what is unfinished is never pushed out.
   */
  set(row: Omit<Row, 'sequence'>): readonly Row[] {
    const before = this.#byId.get(row.id);
    const pushedOut = this.#inTheWayOf(row, before);
    for (const { id } of pushedOut) this.delete(id);
    if (before !== undefined) this.delete(row.id);
    this.#insert({ ...row, sequence: before?.sequence ?? ++this.#sequence });
    return pushedOut;
  }

  /** Makes a row what it was before. Undefined: it was not there. */
  restore(id: string, before: Row | undefined): void {
    this.delete(id);
    if (before !== undefined) this.#insert(before);
  }

  delete(id: string): boolean {
    const row = this.#byId.get(id);
    if (row === undefined) return false;
    this.#byAge.splice(this.#indexOf(row), 1);
    this.#bytes -= row.json.length;
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
    this.#bytes += row.json.length;
  }

  /** The oldest finished rows without which the next one has room. */
  #inTheWayOf(next: Omit<Row, 'sequence'>, before: Row | undefined): readonly Row[] {
    const { maxRecords, maxBytes } = this.#bounds;
    const rows: Row[] = [];
    let count = this.#byId.size + (before === undefined ? 1 : 0);
    let bytes = this.#bytes + next.json.length - (before?.json.length ?? 0);
    for (let index = 0; count > maxRecords || bytes > maxBytes; index++) {
      const row = this.#byAge[index];
      if (row === undefined) throw storageFull(this.#bounds);
      if (UNFINISHED.has(row.status) || row === before) continue;
      rows.push(row);
      count -= 1;
      bytes -= row.json.length;
    }
    return rows;
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

function storageFull({ maxRecords, maxBytes }: Bounds): StorageError {
  return new StorageError(
    `The memory storage is full: of its ${maxRecords} records and ${maxBytes} bytes, all that are there belong to ` +
      'jobs that are still queued or active. Wait for some of them to end, raise maxRecords and maxBytes, or use ' +
      'a durable storage.',
    { code: 'storage_full', retryable: true },
  );
}

function isOlder(left: Position, right: Position): boolean {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt;
  return left.sequence < right.sequence;
}
