import type { QueueAdapter } from 'transcription-client';
import { expect, vi } from 'vitest';
import type { Script } from '../../support/script-process.js';
import { randomOf } from '../storage-rig.js';

export interface KilledWorkersOptions {
  /** Of worker.ts. */
  readonly script: Script;
  readonly path: string;
  readonly kills: number;
  readonly open: () => QueueAdapter;
}

const CONCURRENCY = 4;
/** What a process that was killed has left, all of it. */
const END_OF_ONE_MS = 4000;
const idsOf = (lines: readonly string[], what: string): string[] =>
  lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));

/**
 * Kills processes that add to and work on one queue, each at a random moment, and lets another one end what is left.
 * Every entry that was acknowledged has to end, and what runs again can only be what was running.
 */
export async function checkKilledWorkers({ script, path, kills, open }: KilledWorkersOptions): Promise<void> {
  const random = randomOf('killed workers');
  const acknowledged = new Set<string>();
  const ended: string[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const process = script.start(path, JSON.stringify({ workMs: 10, concurrency: CONCURRENCY }));
    process.tell(`stream r${kill}`);
    await process.printed(`added r${kill}-0-0`);
    await new Promise((resolve) => setTimeout(resolve, random() * 400));
    await process.kill();
    for (const id of idsOf(process.lines, 'added')) acknowledged.add(id);
    ended.push(...idsOf(process.lines, 'end'));
  }
  const queue = open();
  queue.startWorker(
    async ({ id }) => {
      ended.push(id);
      return { type: 'done' };
    },
    { concurrency: 10, onError: (error) => ended.push(String(error)) },
  );
  const none = { waiting: 0, delayed: 0, active: 0 };
  // Each of the processes has added thousands, as fast as it could.
  const timeout = 15_000 + kills * END_OF_ONE_MS;
  await vi.waitFor(async () => expect(await queue.depth()).toEqual(none), { timeout, interval: 100 });
  await queue.close();
  const times = new Map<string, number>();
  for (const id of ended) times.set(id, (times.get(id) ?? 0) + 1);
  const again = ended.length - times.size;
  console.log(`${acknowledged.size} entries were acknowledged, ${again} ran again.`);
  expect([...acknowledged].filter((id) => !times.has(id))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(kills);
  expect(again).toBeLessThanOrEqual(kills * 2 * CONCURRENCY);
}
