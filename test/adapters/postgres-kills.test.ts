import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPostgresStorage } from '../../src/adapters/postgres/index.js';
import { buildScript, type Script } from '../support/script-process.js';
import { testServer } from './postgres-rig.js';
import { Acknowledged } from './storage-acknowledged.js';
import { randomOf } from './storage-rig.js';

const KILLS = 50;

const rig = testServer();
let writer: Script;
let counter: Script;

beforeAll(async () => {
  writer = await buildScript(new URL('./storage-processes/writer.ts', import.meta.url));
  counter = await buildScript(new URL('./storage-processes/counter.ts', import.meta.url));
}, 60_000);

afterAll(() => {
  writer.dispose();
  counter.dispose();
});

describe('processes that share a PostgreSQL database', () => {
  it('may find no tables yet, and lose nothing of each other', { timeout: 60_000 }, async () => {
    const url = await rig.server.createDatabase();
    const [processes, times] = [5, 20];
    const running = Array.from({ length: processes }, (_, index) =>
      counter.start('postgres', url, `p${index}`, String(times)),
    );
    for (const each of running) await each.printed('ready');
    for (const each of running) each.tell('go');
    for (const each of running) expect(await each.finished()).toEqual(['ready', 'done']);
    const storage = createPostgresStorage({ connectionString: url });
    const total = processes * times;
    expect(await storage.get('jobs', 'count')).toMatchObject({ data: total, version: total });
    expect((await storage.list('jobs', { limit: 1000 })).items).toHaveLength(total + 1);
    await storage.close?.();
  });
});

/** What a killed process was writing may be finished by the server after it, and would look like that of the next one. */
async function untilGone(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await vi.waitFor(async () => {
    const others = await rig.server.query(
      `SELECT pid FROM pg_stat_activity WHERE datname = '${name}' AND state <> 'idle'`,
    );
    expect(others).toEqual([]);
  }, 10_000);
}

describe('a process that is killed while it writes to PostgreSQL', () => {
  it('loses nothing that was acknowledged, and leaves no half of a transaction', {
    timeout: 120_000,
  }, async () => {
    const url = await rig.server.createDatabase();
    const storage = createPostgresStorage({ connectionString: url });
    const random = randomOf('kills');
    const acknowledged = new Acknowledged();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await acknowledged.killed(writer, ['postgres', url, String(kill)], 5 + random() * 145);
      await untilGone(url);
      await acknowledged.check(storage);
    }
    console.log(`${acknowledged.size} records were acknowledged.`);
    expect(acknowledged.size).toBeGreaterThan(KILLS * 3);
    await storage.close?.();
  });
});
