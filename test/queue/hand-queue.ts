import { createMemoryStorage } from '../../src/adapters/memory/storage.js';
import type { EntryHandler, QueueAdapter, QueueEntry } from '../../src/contracts/queue.js';
import type { StorageAdapter } from '../../src/contracts/storage.js';

/** A distributed queue that runs nothing by itself, and forgets what the test takes out of `added`. */
export function createHandQueue() {
  const added: QueueEntry[] = [];
  const state: { handler?: EntryHandler; isWorkerClosed: boolean } = { isWorkerClosed: false };
  const queue: QueueAdapter = {
    capabilities: { distributed: true, durable: true },
    add: async (entries) => void added.push(...entries),
    cancel: async () => false,
    startWorker: (handler) => {
      state.handler = handler;
      return {
        close: async () => {
          state.isWorkerClosed = true;
        },
      };
    },
    depth: async () => ({ waiting: added.length, delayed: 0, active: 0 }),
    close: async () => undefined,
    missing: async (ids) => ids.filter((id) => !added.some((entry) => entry.id === id)),
    epoch: async () => '1',
  };
  return { queue, added, state };
}

/** As if other processes saw it as well. */
export function createSharedStorage(): StorageAdapter {
  const memory = createMemoryStorage();
  return { ...memory, capabilities: { ...memory.capabilities, shared: true } };
}
