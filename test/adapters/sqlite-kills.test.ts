import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqliteStorage } from '../../src/adapters/sqlite/index.js';
import { buildScript, type Script } from '../support/script-process.js';
import { Acknowledged } from './storage-acknowledged.js';
import { randomOf, rowsInFile } from './storage-rig.js';

const KILLS = 50;

const folder = mkdtempSync(join(tmpdir(), 'sqlite-kills-'));
let writer: Script;

beforeAll(async () => {
  writer = await buildScript(new URL('./storage-processes/writer.ts', import.meta.url));
}, 60_000);

afterAll(() => {
  writer.dispose();
  rmSync(folder, { recursive: true });
});

describe('a process that is killed while it writes to SQLite', () => {
  it('loses nothing that was acknowledged, and leaves the file whole', { timeout: 120_000 }, async () => {
    const path = join(folder, 'records.db');
    const random = randomOf('kills');
    const acknowledged = new Acknowledged();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const storage = createSqliteStorage({ path });
      // Where the file is open elsewhere, nobody has to restore it after the kill.
      const isOpen = kill % 2 === 1;
      if (isOpen) await acknowledged.check(storage);
      await acknowledged.killed(writer, ['sqlite', path, String(kill)], 5 + random() * 145);
      await acknowledged.check(storage);
      await storage.close?.();
      expect(rowsInFile(path, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    }
    console.log(`${acknowledged.size} records were acknowledged.`);
    expect(acknowledged.size).toBeGreaterThan(KILLS * 3);
  });
});
