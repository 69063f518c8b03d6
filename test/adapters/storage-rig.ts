import { DatabaseSync } from '@photostructure/sqlite';

/** Numbers from 0 up to 1. The seed is printed, and can be set to repeat a run. */
export function randomOf(what: string, seed = Math.floor(Math.random() * 2 ** 32)): () => number {
  console.log(`Seed of the ${what}: ${seed}`);
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Works on a SQLite file by hand, and leaves all of it in that one file. */
export function inFile<Value>(
  path: string,
  work: (database: InstanceType<typeof DatabaseSync>) => Value,
): Value {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  }
}

export type Row = Readonly<Record<string, unknown>>;

export function rowsInFile(path: string, sql: string): Row[] {
  return inFile(path, (database) => database.prepare(sql).all() as Row[]);
}
