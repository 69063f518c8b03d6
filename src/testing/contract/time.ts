import { fail } from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../contracts/clock.js';
import { systemClock } from '../../internal/system-clock.js';
import { createFakeClock } from '../fake-clock.js';

/** Time as the clauses see it: the same code runs on a clock moved by hand and on the machine's own. */
export interface SuiteTime {
  readonly clock: Clock;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
  /** Changes what the wall clock shows, and nothing else. A machine's own clock stays as it is. */
  shiftWall(ms: number): void;
  /** Lets everything happen that can happen now. */
  settle(): Promise<void>;
  /** Waits until the condition holds, with time standing still where it is moved by hand. Fails after 2 s. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
  /** The same while time goes by: fails where the condition does not hold `withinMs` from now. */
  passUntil(what: string, withinMs: number, holds: () => boolean): Promise<void>;
}

const PATIENCE_MS = 2000;
/** Steps in which time goes by where a clause watches it. */
const STEP_MS = 20;
/** What a back end on the machine's own time gets to do what it should not do. */
const REAL_SETTLE_MS = 30;

export function createSuiteTime(kind: 'injected' | 'real'): SuiteTime {
  return kind === 'injected' ? handMovedTime() : realTime();
}

function handMovedTime(): SuiteTime {
  const clock = createFakeClock();
  const time: SuiteTime = {
    clock,
    pass: (ms) => clock.advance(ms),
    shiftWall: (ms) => clock.setWall(clock.wallMs() + ms),
    settle: nextTurns,
    until,
    async passUntil(what, withinMs, holds) {
      const deadline = clock.monotonicMs() + withinMs;
      await nextTurns();
      while (!holds() && clock.monotonicMs() < deadline) await clock.advance(STEP_MS);
      if (!holds()) fail(`not within ${withinMs} ms: ${what}`);
    },
  };
  return time;
}

function realTime(): SuiteTime {
  return {
    clock: systemClock,
    pass: (ms) => sleep(ms),
    shiftWall: () => undefined,
    settle: () => sleep(REAL_SETTLE_MS),
    until,
    passUntil: (what, withinMs, holds) => poll(what, withinMs + PATIENCE_MS, holds),
  };
}

function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  return poll(what, PATIENCE_MS, holds);
}

async function poll(
  what: string,
  patienceMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const startedAt = performance.now();
  for (let turn = 0; !(await holds()); turn++) {
    if (performance.now() - startedAt > patienceMs) fail(`did not happen within ${patienceMs} ms: ${what}`);
    // Most back ends in the same process are done after a few turns.
    if (turn < 50) await nextTurn();
    else await sleep(2);
  }
}

async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
