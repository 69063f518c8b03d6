import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkJournal, unfinished } from './jobs-checks.js';
import { JobsFaults } from './jobs-faults.js';
import { type JobsKind, type JobsProcess, JobsRig } from './jobs-rig.js';
import { readSettings, scaled } from './settings.js';
import { Tally } from './tally.js';

/** Of the faults, for each kind of queue. */
const FULL_MS = 600_000;
const LEAST_MS = 6000;
/** After the faults everything must end by then. */
const END_WITHIN_MS = 60_000;

const KINDS: readonly JobsKind[] = ['sqlite', 'bullmq'];

describe.each(KINDS)('jobs on %s, while processes, servers and requests fail', (kind) => {
  it(
    'come to their end, once',
    async () => {
      const { seed } = readSettings();
      const durationMs = scaled(FULL_MS, LEAST_MS);
      console.log(
        `jobs on ${kind}: ${durationMs / 1000} s of faults, seed ${seed} (SOAK_SEED=${seed} repeats them)`,
      );
      await using rig = await JobsRig.start(kind, seed);
      const tally = new Tally();
      try {
        await run(rig, seed, durationMs, tally);
      } catch (cause) {
        throw new Error(`SOAK_SEED=${seed} npm run test:soak -- soak/jobs repeats the faults of this run.`, {
          cause,
        });
      } finally {
        console.log(`jobs on ${kind}:\n${tally}`);
      }
    },
    scaled(FULL_MS, LEAST_MS) + 5 * END_WITHIN_MS,
  );
});

async function run(rig: JobsRig, seed: number, durationMs: number, tally: Tally): Promise<void> {
  const faults = new JobsFaults(rig, seed, tally);
  const { workers, producers } = await faults.run(durationMs);
  rig.emulator.faults.clear();
  rig.receiver.heal();
  // A worker that has just started looks at once for what is lost; others do so from time to time.
  const all = [...workers, await rig.start('worker')];
  await end(producers, 'stop', 'stopped');
  const overAt = performance.now();
  await within(
    async () => (await unfinished(rig)).length === 0,
    async () => (await unfinished(rig)).join('\n'),
  );
  tally.largest('ms until everything had ended', performance.now() - overAt);
  await within(async () => Object.values(await rig.queue.depth()).every((count) => count === 0));
  await takeTurns(rig, all);
  await end([...all, ...producers], 'close', 'closed');
  expect(
    rig.processes.flatMap(({ name, crash }) => (crash === undefined ? [] : [`${name}: ${crash}`])),
  ).toEqual([]);
  await checkJournal(rig, tally);
}

/** Every worker that has come through works on. */
async function takeTurns(rig: JobsRig, workers: readonly JobsProcess[]): Promise<void> {
  const before = workers.map(({ lines }) => lines.length);
  const idle = () =>
    workers.filter(({ lines }, index) => lines.length === before[index]).map(({ name }) => name);
  await within(
    async () => {
      const jobs = await rig.enqueue(30);
      await Promise.all(jobs.map((job) => job.result({ timeoutMs: END_WITHIN_MS })));
      return idle().length === 0;
    },
    async () => `These workers take nothing any more: ${idle()}`,
  );
}

async function end(
  processes: readonly JobsProcess[],
  word: 'stop' | 'close',
  answer: 'stopped' | 'closed',
): Promise<void> {
  const all = Promise.all(
    processes.map(async (each) => {
      if (word === 'close') each.mayEndWith = [0];
      each.script.tell(word);
      await each.printed(answer);
    }),
  );
  let isDone = false;
  void all.then(
    () => {
      isDone = true;
    },
    () => undefined,
  );
  await Promise.race([
    all,
    within(
      async () => isDone,
      async () => `Not all processes have ${answer}.`,
    ),
  ]);
}

async function within(
  condition: () => Promise<boolean>,
  reason = async () => 'It took too long.',
): Promise<void> {
  const deadline = performance.now() + END_WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${END_WITHIN_MS} ms: ${await reason()}`);
    await wait(100);
  }
}
