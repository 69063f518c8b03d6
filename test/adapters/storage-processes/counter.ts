import { openedStorage, print, untilTold } from './opened.js';

/** Writes so many records of its own, and counts a shared one up as often. */
const name = process.argv[4] ?? '';
const times = Number(process.argv[5]);
const envelope = { collection: 'jobs', status: 'queued', createdAt: '2026-01-01T00:00:00.000Z' } as const;
await untilTold();
const storage = openedStorage();
for (let step = 0; step < times; step += 1) {
  await storage.put({ ...envelope, id: `${name}-${step}`, data: step });
  for (;;) {
    const known = await storage.get('jobs', 'count');
    const written = { ...envelope, id: 'count', data: Number(known?.data ?? 0) + 1 };
    if (await storage.put(written, { expectedVersion: known?.version ?? 0 })) break;
  }
}
await storage.close?.();
print('done');
