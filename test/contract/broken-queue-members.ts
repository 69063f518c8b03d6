import type { QueueAdapter } from '../../src/contracts/queue.js';
import type { QueueContractOptions } from '../../src/testing/contract/queue.js';
import { shared } from './broken-queue.js';
import type { BrokenAdapter } from './prove-rules.js';
import { openQueue, QueueBackend } from './queue-backend.js';

/** Each violates the one rule that it stands under. */
export const brokenQueueMembers: Readonly<Record<string, BrokenAdapter<QueueContractOptions>>> = {
  // What runs is in a list that nobody looks at.
  'queue 56': shared((_inner, backend) => ({
    missing: async (ids) =>
      ids.filter((id) => backend.items.get(id)?.controller !== undefined || !backend.items.has(id)),
  })),
  // It looks at what stands behind the last dash.
  'queue 57': shared((_inner, backend) => ({
    derive: (name) => openQueue(name.includes('-') ? backend.derived(name) : backend),
  })),
  'queue 58': shared((inner, backend) => {
    const derived: QueueAdapter[] = [];
    return {
      derive(name) {
        const queue = openQueue(backend.derived(name));
        derived.push(queue);
        return queue;
      },
      async close() {
        await inner.close();
        await Promise.all(derived.map((queue) => queue.close()));
      },
    };
  }),
  'queue 59': shared((_inner, backend) => ({ derive: () => openQueue(new QueueBackend(backend.clock)) })),
  'queue 60': shared((inner, backend) => ({
    close() {
      for (const item of backend.items.values()) {
        const { group: _group, ...entry } = item.entry;
        Object.assign(item, { entry });
      }
      return inner.close();
    },
  })),
  'queue 61': shared(() => ({ health: async () => [] })),
  'queue 62': shared(() => {
    const epoch = String(Math.random());
    return { epoch: async () => epoch };
  }),
  'queue 63': shared(() => {
    const own = new Set<(text: string) => void>();
    return {
      channel: {
        async publish(text) {
          for (const hear of own) hear(text);
        },
        async subscribe({ message }) {
          const hear = (text: string): void => message(text);
          own.add(hear);
          return () => own.delete(hear);
        },
      },
    };
  }),
  'queue 64': shared((inner) => ({
    channel: {
      publish: async (text) => inner.channel?.publish(text),
      async subscribe(listener) {
        await inner.channel?.subscribe(listener);
        return () => undefined;
      },
    },
  })),
};
