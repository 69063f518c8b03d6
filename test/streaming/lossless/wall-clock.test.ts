import type { FakeClock } from 'transcription-client/testing';
import { beforeAll, expect, test } from 'vitest';
import { complaintsOf } from './oracle.js';
import { perform, type Recording, warmUp } from './perform.js';
import { drawPlan } from './plan.js';

const HOUR_MS = 3_600_000;
/** Half-open connections, refusals with a Retry-After, silence, and a replay. */
const SEEDS = [11, 12, 13, 14, 15, 16];

/** Sets the wall clock an hour ahead and back again, before each piece of audio. */
function jumping(): (clock: FakeClock) => void {
  let direction = 1;
  return (clock) => {
    clock.setWall(clock.wallMs() + direction * HOUR_MS);
    direction = -direction;
  };
}

/** Each event, and when it came. What the service makes up differs from run to run. */
function told({ events }: Recording): object[] {
  return events.map(({ atMs, event }) => {
    const { requestId, transcript, ...facts } = event as typeof event & {
      requestId?: string;
      transcript?: object;
    };
    return { atMs: Math.round(atMs), ...facts };
  });
}

beforeAll(warmUp, 60_000);

test('an hour either way, again and again, changes nothing', async () => {
  let reconnects = 0;
  for (const seed of SEEDS) {
    const plan = drawPlan(seed);
    const still = await perform(plan);
    const moved = await perform(plan, jumping());
    expect(complaintsOf(moved), `seed ${seed}`).toEqual([]);
    expect(told(moved), `seed ${seed}`).toEqual(told(still));
    reconnects += moved.events.filter(({ event }) => event.type === 'reconnected').length;
  }
  expect(reconnects).toBeGreaterThan(SEEDS.length);
}, 60_000);
