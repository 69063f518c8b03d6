import { notDeleted, readOnlyDriver } from './errors.js';
import type { Items } from './items.js';

const VALUE = 'probe';

/** Writes an item, reads it and deletes it: a driver may do nothing and say nothing. */
export async function probe(items: Items, prefix: string): Promise<void> {
  const key = `${prefix}:probes:${globalThis.crypto.randomUUID()}`;
  await items.set(key, VALUE);
  if ((await items.get(key)) !== VALUE) throw readOnlyDriver();
  await items.remove(key);
  if (await items.has(key)) throw notDeleted();
}
