export { createMemoryLimits } from './limits.js';
export { createMemoryQueue } from './queue.js';
export { createMemoryStorage } from './storage.js';
