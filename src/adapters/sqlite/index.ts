export type { SqliteDatabase, SqliteStatement } from './database.js';
export { createSqliteStorage, type SqliteStorageOptions } from './storage.js';
