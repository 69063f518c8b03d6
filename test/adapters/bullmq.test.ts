import type { QueueAdapter } from 'transcription-client';
import { testQueueContract } from 'transcription-client/testing';
import { describe, it } from 'vitest';
import { redisRig } from './bullmq-rig.js';

const rig = redisRig({ appendonly: 'yes', appendfsync: 'no' });

describe('BullMQ on Redis', () => {
  const names = new WeakMap<QueueAdapter, string>();
  const open = (name: string): QueueAdapter => {
    const queue = rig.queue({ name });
    names.set(queue, name);
    return queue;
  };
  testQueueContract(
    { describe, it },
    {
      capabilities: { distributed: true, durable: true },
      time: 'real',
      create: () => open(rig.name()),
      reopen: (first) => open(names.get(first) ?? ''),
    },
  );
});
