export { createMemoryLimits } from './limits.js';
export { createMemoryQueue, type MemoryQueueOptions } from './queue.js';
export { createMemoryStorage, type MemoryStorageOptions } from './storage.js';
