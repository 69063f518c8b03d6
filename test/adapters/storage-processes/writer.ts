import type { RecordInput } from '../../../src/contracts/storage.js';
import { openedStorage, print } from './opened.js';

/**
 * Writes without end: a record, two in one transaction, a delete, a count. Says what is acknowledged, and before a
 * delete what it is about to delete.
 */
const storage = openedStorage();
const round = process.argv[4] ?? '';
const transact = storage.transact?.bind(storage);
if (transact === undefined) throw new Error('The storage has no transactions.');

function record(id: string): RecordInput {
  // Some span many pages of a database.
  const text = id.repeat(id.endsWith('7') ? 2000 : 20);
  return {
    collection: 'jobs',
    id,
    status: 'queued',
    createdAt: '2026-01-01T00:00:00.000Z',
    data: { id, text },
  };
}

async function count(): Promise<number> {
  for (;;) {
    const known = await storage.get('jobs', 'count');
    const next = ((known?.data as { next?: number })?.next ?? 0) + 1;
    const written = { ...record('count'), data: { next } };
    if (await storage.put(written, { expectedVersion: known?.version ?? 0 })) return next;
  }
}

for (let step = 0; ; step += 1) {
  const single = `single-${round}-${step}`;
  await storage.put(record(single));
  print(`put ${single}`);
  const [left, right] = [`left-${round}-${step}`, `right-${round}-${step}`];
  await transact([
    { type: 'put', record: record(left), condition: { expectedVersion: 0 } },
    { type: 'put', record: record(right) },
  ]);
  print(`put ${left}`);
  print(`put ${right}`);
  if (step % 3 === 2) {
    const old = `single-${round}-${step - 1}`;
    print(`deleting ${old}`);
    await storage.delete('jobs', old);
    print(`deleted ${old}`);
  }
  print(`count ${await count()}`);
}
