import { inspect } from 'node:util';
import { Dice } from './dice.js';
import { readSettings, scaled } from './settings.js';
import { Tally } from './tally.js';

export interface SoakCall {
  readonly index: number;
  /** Which of the calls that run at the same time: 0 up to, not including, `parallel`. */
  readonly lane: number;
  readonly dice: Dice;
  readonly tally: Tally;
  /** What the dice decided: it is printed where the call fails. */
  note(plan: object): void;
}

export interface Soak {
  /** Begins the name of the file: what the command line selects it by. */
  readonly name: string;
  /** Calls at full size. */
  readonly count: number;
  readonly leastCount: number;
  readonly parallel: number;
  /** Rejects where an invariant does not hold. */
  run(call: SoakCall): Promise<void>;
}

/**
 * Runs random calls, and prints what came of them. Each call draws from dice of its own, so that it can be repeated
 * without the others. Rejects after the first call that failed, with the command that repeats it.
 */
export async function soak({ name, count, leastCount, parallel, run }: Soak): Promise<void> {
  const { seed, only } = readSettings();
  const total = only === undefined ? scaled(count, leastCount) : 1;
  const tally = new Tally();
  const startedAt = performance.now();
  let next = only ?? 0;
  const end = next + total;
  let failed = false;
  const runLane = async (lane: number): Promise<void> => {
    while (next < end && !failed) {
      const index = next;
      next += 1;
      let plan: object = {};
      const note = (value: object): void => {
        plan = value;
      };
      try {
        await run({ index, lane, tally, dice: new Dice(seed, index), note });
      } catch (cause) {
        failed = true;
        console.log(`${name}: call ${index} failed. Its plan:`, inspect(plan, { depth: 5 }));
        throw new Error(
          `Call ${index} failed. To repeat it alone: SOAK_SEED=${seed} SOAK_ONLY=${index} ` +
            `npm run test:soak -- ${name}. To repeat the run: SOAK_SEED=${seed} npm run test:soak -- ${name}`,
          { cause },
        );
      }
    }
  };
  console.log(`${name}: ${total} calls, seed ${seed} (SOAK_SEED=${seed} repeats the run)`);
  try {
    const lanes = Array.from({ length: parallel }, (_, lane) => runLane(lane));
    const failures = (await Promise.allSettled(lanes)).filter(({ status }) => status === 'rejected');
    const [first] = failures as PromiseRejectedResult[];
    if (first) throw first.reason;
  } finally {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${name}: ${seconds} s\n${tally}`);
  }
}
