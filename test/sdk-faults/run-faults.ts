import { describe, expect, it } from 'vitest';
import { FAULTS, type Fault } from './faults.js';

/** What a test's name says, and the test. */
type Tests = Readonly<Record<string, () => Promise<void>>>;

interface NotYet {
  readonly run: () => Promise<void>;
  /** How it fails today. Any other failure, and none at all, is an alarm. */
  readonly today: object;
}

/** What one fault looks like, here and there. */
export interface FaultScenarios {
  /** Shows the raw SDK. */
  readonly sdk: Tests;
  /** Shows what this library holds. */
  readonly library: Tests;
  /** Shows what this library is to hold, and does not hold yet. Moves to `library` on the day it does. */
  readonly notYet?: Readonly<Record<string, NotYet>>;
}

export type ScenariosById = Readonly<Record<Fault['id'], FaultScenarios>>;

/** Runs each row of the table for the mode. Throws where a row and its scenarios do not fit. */
export function runFaults(mode: Fault['mode'], scenarios: ScenariosById): void {
  const rows = FAULTS.filter((fault) => fault.mode === mode);
  for (const id of Object.keys(scenarios)) {
    if (!rows.some((fault) => fault.id === id)) throw new Error(`${id} is no row of the table for ${mode}.`);
  }
  for (const fault of rows) {
    const found = scenarios[fault.id];
    if (found === undefined) throw new Error(`${fault.id} has no scenarios.`);
    checkState(fault, found);
    describe(`${fault.id}: ${fault.happens}`, () => runFault(found));
  }
}

/** The table says `held` exactly where nothing is open, and never without a test. */
function checkState({ id, state }: Fault, { sdk, library, notYet = {} }: FaultScenarios): void {
  const open = Object.keys(notYet).length;
  if (Object.keys(sdk).length === 0) throw new Error(`${id} shows nothing of the SDK.`);
  if (state === 'held' && open > 0) throw new Error(`${id} is held by the table, but not by its scenarios.`);
  if (state === 'not yet' && open === 0) throw new Error(`${id} holds: correct the table and docs/why.md.`);
  if (state === 'held' && Object.keys(library).length === 0) throw new Error(`${id} is not shown to hold.`);
}

function runFault({ sdk, library, notYet = {} }: FaultScenarios): void {
  for (const [name, run] of Object.entries(sdk)) it(`the SDK: ${name}`, run);
  for (const [name, run] of Object.entries(library)) it(`this library: ${name}`, run);
  for (const [name, { run, today }] of Object.entries(notYet)) {
    it(`this library, not yet: ${name}`, async () => {
      const failure = await run().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure, 'It holds now: make it a scenario of `library`, and correct the table.').toBeDefined();
      expect(failure).toMatchObject(today);
    });
  }
}
