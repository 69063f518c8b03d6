export type { PostgresClient, PostgresPool, PostgresResult } from './pool.js';
export { createPostgresStorage, type PostgresStorageOptions } from './storage.js';
