import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/contracts/clock.js';
import type { ClientEvent } from '../../src/contracts/events.js';
import type { MetricsHook } from '../../src/contracts/metrics.js';
import { exampleEvents } from '../../src/testing/contract/example-events.js';
import { testMetricsContract } from '../../src/testing/contract/metrics.js';
import { numberOf, outcomeOf } from './failed-rules.js';

interface Recording extends MetricsHook {
  readonly types: string[];
}

function recording(before: (event: ClientEvent) => void = () => undefined, types: string[] = []): Recording {
  return {
    types,
    onEvent(event) {
      before(event);
      types.push(event.type);
    },
  };
}

const KNOWN = new Set<string>(exampleEvents().map(({ type }) => type));

/** Each violates the one rule that it stands under. */
function brokenHooks(): Readonly<Record<string, (clock: Clock) => Recording>> {
  const shared = new WeakMap<Clock, string[]>();
  const open = new WeakSet<Clock>();
  return {
    'metrics 2': () => recording((event) => Object.assign(event, { seen: true })),
    'metrics 3': () => {
      const begun = new Set<string>();
      return recording((event) => {
        if (event.type === 'request-start') begun.add(event.callId);
        if (event.type === 'request-end' && !begun.has(event.callId)) throw new Error('no beginning');
      });
    },
    'metrics 4': () =>
      recording(({ type }) => {
        if (!KNOWN.has(type)) throw new Error('unknown');
      }),
    'metrics 5': () =>
      recording((event) => {
        if ('laterField' in event) throw new Error('unknown');
      }),
    'metrics 7': () => {
      let closed = 0;
      return {
        ...recording(),
        async close() {
          closed += 1;
          if (closed === 2) throw new Error('closed already');
        },
      };
    },
    'metrics 8': () => {
      let closed = false;
      const hook = recording(() => {
        if (closed) throw new Error('closed');
      });
      return {
        ...hook,
        async close() {
          closed = true;
        },
      };
    },
    'metrics 9': () => {
      const hook = recording();
      return { ...hook, onEvent: ({ type }) => void hook.types.unshift(type) };
    },
    'metrics 10': (clock) => {
      const types = shared.get(clock) ?? [];
      shared.set(clock, types);
      return recording(undefined, types);
    },
    'metrics 6': (clock) => {
      const second = open.has(clock);
      open.add(clock);
      return recording(() => {
        if (second) throw new Error('there is a hook already');
      });
    },
  };
}

function run(create: (clock: Clock) => Recording) {
  return outcomeOf((runner) =>
    testMetricsContract(runner, { create, recordedTypes: (hook) => (hook as Recording).types }),
  );
}

describe('the metrics contract', () => {
  it.each(Object.entries(brokenHooks()))(
    'catches a violation of %s, and nothing else',
    async (rule, create) => {
      const { failed, reasons } = await run(create);
      expect(failed.map(numberOf), reasons.join('\n')).toEqual([rule]);
    },
  );

  it('numbers its rules without a gap, and leaves out what needs recorded types', async () => {
    const { rules, failed } = await run(() => recording());
    expect(failed).toEqual([]);
    expect(rules.map(numberOf)).toEqual(rules.map((_, index) => `metrics ${index + 1}`));
    const fewer = await outcomeOf((runner) => testMetricsContract(runner, { create: () => recording() }));
    expect(rules.length - fewer.rules.length).toBe(2);
  });

  it('sees a hook that fails later', async () => {
    const onEvent = async (): Promise<void> => Promise.reject(new Error('later'));
    const { failed } = await run(() => ({ types: [], onEvent }) as Recording);
    expect(failed.map(numberOf)).toContain('metrics 1');
  });
});
