import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createSqliteQueue } from '../../src/adapters/sqlite/index.js';
import { checkKilledWorkers } from '../adapters/queue-processes/kills.js';
import { disposeScript, type ProcessRig, startRig } from '../queue/processes/rig.js';
import { buildScript, type ScriptProcess } from '../support/script-process.js';
import { Dice } from './dice.js';
import { readSettings, scaled } from './settings.js';

const LOCK_MS = 3000;
const SWEEP_MS = 1000;
/** For the start of the next worker, on a machine that is busy. */
const START_MS = 1500;
const KILLS = scaled(50, 5);
const TIMEOUT_MS = KILLS * 20_000;

let rig: ProcessRig | undefined;

afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(disposeScript);

describe('workers that are killed', () => {
  it.each(['sqlite', 'bullmq'] as const)(
    'lose no job of %s, which begins again within lock and two sweeps',
    async (kind) => {
      const { seed } = readSettings();
      console.log(`worker-kills on ${kind}: ${KILLS} kills, seed ${seed} (SOAK_SEED=${seed} repeats them)`);
      const dice = new Dice(seed, 0);
      const r = await startRig(kind, { lockMs: LOCK_MS, emulator: { processingMs: 400 } });
      rig = r;
      let total = 0;
      let doomed = await r.worker();
      for (let kill = 0; kill < KILLS; kill += 1) {
        const ids = await r.enqueue(10);
        total += ids.length;
        const isBegun = (): boolean => idsOf(doomed, 'active').some((id) => ids.includes(id));
        await vi.waitFor(() => expect(isBegun()).toBe(true), 10_000);
        await new Promise((resolve) => setTimeout(resolve, dice.whole(0, 900)));
        await doomed.kill();
        const killedAt = performance.now();
        const ended = idsOf(doomed, 'completed');
        const lost = idsOf(doomed, 'active').filter((id) => ids.includes(id) && !ended.includes(id));
        const heir = await r.worker();
        for (const id of lost) await beganAgain(r, heir, id);
        if (lost.length > 0) {
          expect(performance.now() - killedAt).toBeLessThan(LOCK_MS + 2 * SWEEP_MS + START_MS);
        }
        await r.completed(ids);
        doomed = heir;
      }
      expect(await r.transcripts()).toBe(total);
    },
    TIMEOUT_MS,
  );

  it(
    'lose no entry of the SQLite queue, and end each once',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'worker-kills-'));
      const path = join(folder, 'queue.db');
      const script = await buildScript(new URL('../adapters/queue-processes/worker.ts', import.meta.url));
      await checkKilledWorkers({
        script,
        path,
        kills: scaled(50, 1),
        open: () => createSqliteQueue({ path }),
      });
      script.dispose();
      await rm(folder, { recursive: true });
    },
    TIMEOUT_MS,
  );
});

function idsOf({ lines }: ScriptProcess, state: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${state} `)).map((line) => line.split(' ')[1] ?? '');
}

/** It may also have been stored just before the kill. */
async function beganAgain(r: ProcessRig, heir: ScriptProcess, id: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if (heir.lines.some((line) => line.includes(id))) return;
      const [status] = await r.statuses([id]);
      expect(status?.state).toBe('completed');
    },
    { timeout: 15_000, interval: 20 },
  );
}
