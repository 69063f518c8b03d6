import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage, type Driver } from 'unstorage';
import memoryDriver from 'unstorage/drivers/memory';
import type { UnstorageLike } from '../../src/adapters/unstorage/index.js';
import type { ListQuery, RecordInput, StorageAdapter } from '../../src/contracts/storage.js';

export type Method = 'getItem' | 'setItem' | 'removeItem' | 'hasItem' | 'getKeys';

const METHODS: readonly Method[] = ['getItem', 'setItem', 'removeItem', 'hasItem', 'getKeys'];

export interface DriverCall {
  readonly method: Method;
  readonly key: string;
}

/** A driver of unstorage in front of which something happens at each call. */
export function watched(driver: Driver, before: (call: DriverCall) => void | Promise<void>): Driver {
  const wrapped: Record<string, unknown> = { name: 'watched' };
  for (const method of METHODS) {
    wrapped[method] = async (key: string, ...rest: unknown[]) => {
      await before({ method, key });
      return (driver[method] as (...args: unknown[]) => unknown)(key, ...rest);
    };
  }
  return wrapped as unknown as Driver;
}

/** Drivers on the same items, each in a storage of its own, as other processes would have them. */
export function sharedMemory(): {
  readonly driver: Driver;
  readonly items: Map<string, string>;
  open(before?: (call: DriverCall) => void | Promise<void>): UnstorageLike;
} {
  const driver = memoryDriver();
  return {
    driver,
    items: driver.getInstance?.() as Map<string, string>,
    open: (before) => createStorage({ driver: before === undefined ? driver : watched(driver, before) }),
  };
}

export function temporaryFolders(): { create(): string; removeAll(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'unstorage-'));
  let count = 0;
  return {
    create: () => join(folder, `store-${++count}`),
    removeAll: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function record(id: string, rest: Partial<RecordInput> = {}): RecordInput {
  return {
    collection: 'jobs',
    id,
    status: 'completed',
    createdAt: '2026-01-01T00:00:00.000Z',
    data: { id },
    ...rest,
  };
}

/** ISO time of the given second of a day. */
export function second(count: number): string {
  return new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();
}

/** The ids of all pages. */
export async function walk(storage: StorageAdapter, query: ListQuery = {}): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const page = await storage.list('jobs', cursor === undefined ? query : { ...query, cursor });
    ids.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === undefined) return ids;
    cursor = page.nextCursor;
  }
  throw new Error('the cursor never comes to an end');
}

/** Keys of the items that hold the records themselves. */
export function recordKeys(items: Map<string, string>): string[] {
  return [...items.keys()].filter((key) => key.includes(':records:'));
}

export function indexKeys(items: Map<string, string>): string[] {
  return [...items.keys()].filter((key) => key.includes(':index:'));
}
