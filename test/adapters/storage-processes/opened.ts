import { once } from 'node:events';
import { createPostgresStorage } from '../../../src/adapters/postgres/index.js';
import { createSqliteStorage } from '../../../src/adapters/sqlite/index.js';
import type { StorageAdapter } from '../../../src/contracts/storage.js';

/** The storage that the first two arguments name: its kind, and a file or a connection string. */
export function openedStorage(): StorageAdapter {
  const [kind, place = ''] = process.argv.slice(2);
  if (kind === 'sqlite') return createSqliteStorage({ path: place });
  return createPostgresStorage({ connectionString: place });
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Lets several processes begin at the same time. */
export async function untilTold(): Promise<void> {
  print('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}
