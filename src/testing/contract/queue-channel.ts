import { deepEqual, fail } from 'node:assert/strict';
import type { QueueAdapter } from '../../contracts/queue.js';
import type { QueueClause } from './queue-rig.js';

/** How long a message may be on its way: some back ends are asked now and then. */
const WITHIN_MS = 1000;

const TEXT = JSON.stringify({ text: 'odd \'text\' "é"', list: [1, null] });

async function subscribed(queue: QueueAdapter) {
  const heard: string[] = [];
  const channel = queue.channel ?? fail('a distributed queue has a channel');
  const end = await channel.subscribe({ message: (text) => heard.push(text), gap: () => undefined });
  return { channel, heard, end };
}

/** Messages between the processes of a queue. */
export const channelClauses: readonly QueueClause[] = [
  {
    rule: 'queue 63: a message reaches those who listen at its own adapter and at another one, once',
    needs: ['distributed'],
    async check({ queue, subject, time }) {
      const own = await subscribed(queue);
      const other = await subscribed(await subject.another());
      await own.channel.publish('1');
      await own.channel.publish(TEXT);
      await other.channel.publish('3');
      const all = [own.heard, other.heard];
      await time.passUntil('all messages are heard', WITHIN_MS, () => all.every(({ length }) => length >= 3));
      await time.settle();
      for (const heard of all) deepEqual([...heard].sort(), ['1', '3', TEXT].sort());
      own.end();
      other.end();
    },
  },
  {
    rule: 'queue 64: who has ended a subscription hears no more, and others still do',
    needs: ['distributed'],
    async check({ queue, time }) {
      const [first, second] = [await subscribed(queue), await subscribed(queue)];
      first.end();
      await first.channel.publish('a');
      await time.passUntil('the message is heard', WITHIN_MS, () => second.heard.length > 0);
      await time.settle();
      deepEqual({ first: first.heard, second: second.heard }, { first: [], second: ['a'] });
      second.end();
    },
  },
];
