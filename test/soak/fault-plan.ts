import type { HttpFaultInput, ProxyFaults } from 'transcription-client/testing';
import {
  ERROR_SHAPES,
  FAULT_STATUSES,
  type HttpFault,
  type HttpFaultKind,
} from '../../src/testing/emulator/faults.js';
import type { Dice } from './dice.js';

/**
 * One fault of every kind, its settings drawn. The compiler asks for each kind that is added to the emulator.
 * `retryAfterSeconds` is the longest wait that is asked for.
 */
export function drawHttpFaults(dice: Dice, retryAfterSeconds = 30): HttpFaultInput[] {
  const faults: { readonly [Kind in HttpFaultKind]: Extract<HttpFault, { kind: Kind }> } = {
    delay: { kind: 'delay', ms: dice.whole(0, 100) },
    refuse: { kind: 'refuse' },
    reset: { kind: 'reset', when: dice.oneOf(['beforeUpload', 'afterUpload']) },
    status: {
      kind: 'status',
      status: dice.oneOf(FAULT_STATUSES),
      shape: dice.oneOf(ERROR_SHAPES),
      retryAfter: dice.oneOf([0, 0.05, retryAfterSeconds, 'soon']),
    },
    noHeaders: { kind: 'noHeaders' },
    stalledBody: { kind: 'stalledBody', afterBytes: dice.whole(0, 200) },
    trickledBody: { kind: 'trickledBody', bytes: dice.whole(10, 500), intervalMs: dice.whole(1, 50) },
    truncatedJson: { kind: 'truncatedJson', delimited: dice.chance(0.5) },
    html: { kind: 'html' },
    null: { kind: 'null' },
    empty: { kind: 'empty' },
    redirect: { kind: 'redirect' },
    otherJson: { kind: 'otherJson' },
  };
  return Object.values(faults);
}

/** What happens to one call's connection. */
export interface NetworkPlan {
  readonly faults: ProxyFaults;
  /** What ends open connections, and when. */
  readonly cut: { readonly how: 'reset' | 'up' | 'down'; readonly afterMs: number } | undefined;
  /** When all is well again. undefined: when the call is over. */
  readonly healAfterMs: number | undefined;
}

/** One or two faults of the network below HTTP. `bytes` is about what one connection carries. */
export function drawNetwork(dice: Dice, bytes: number, durationMs: number): NetworkPlan {
  const pool: readonly ProxyFaults[] = [
    { up: { latencyMs: dice.whole(1, 40), jitterMs: dice.whole(0, 20) } },
    { down: { latencyMs: dice.whole(1, 40), jitterMs: dice.whole(0, 20) } },
    { up: { bytesPerSecond: dice.whole(bytes, 20 * bytes) } },
    { down: { sliceBytes: dice.whole(1, 300), sliceGapMs: 1 } },
    { up: { blackhole: true } },
    { down: { blackhole: true } },
    { up: { resetAfterBytes: dice.whole(1, bytes) } },
    { down: { resetAfterBytes: dice.whole(1, 1000) } },
    { refuse: true },
    { dropReplies: 1 },
  ];
  const [first, second] = [dice.oneOf(pool), dice.oneOf(pool)];
  const cut = {
    how: dice.oneOf(['reset', 'up', 'down'] as const),
    afterMs: dice.whole(0, durationMs),
  };
  return {
    faults: dice.chance(0.3) ? { ...second, ...first } : first,
    cut: dice.maybe(0.3, cut),
    healAfterMs: dice.maybe(0.5, dice.whole(0, durationMs)),
  };
}
