export type { SqliteDatabase, SqliteStatement } from './database.js';
export { createSqliteQueue, type SqliteQueueOptions } from './queue.js';
export { createSqliteStorage, type SqliteStorageOptions } from './storage.js';
