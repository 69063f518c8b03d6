export type { UnstorageLike } from './items.js';
export { createUnstorageStorage, type UnstorageStorageOptions } from './storage.js';
