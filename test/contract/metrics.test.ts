import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/contracts/clock.js';
import type { ClientEvent } from '../../src/contracts/events.js';
import type { MetricsHook } from '../../src/contracts/metrics.js';
import { exampleEvents } from '../../src/testing/contract/example-events.js';
import { type MetricsContractOptions, testMetricsContract } from '../../src/testing/contract/metrics.js';
import { numberOf, outcomeOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

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
  const closed = new WeakSet<Clock>();
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
    // Has a name for each kind of source that it knew of.
    'metrics 1': () =>
      recording((event) => {
        if (event.type === 'request-start' && event.source === 'http-body') throw new Error('unknown source');
      }),
    'metrics 11': () => {
      const hook = recording();
      return { ...hook, onEvent: ({ type }) => void (hook.types.length < 1000 && hook.types.push(type)) };
    },
    // The first close closes what all hooks share.
    'metrics 12': (clock) => {
      const hook = recording();
      return {
        ...hook,
        onEvent(event) {
          if (!closed.has(clock)) hook.onEvent(event);
        },
        async close() {
          closed.add(clock);
        },
      };
    },
    // Registers its metrics under names that a hook has as long as it is open.
    'metrics 6': (clock) => {
      const isSecond = open.has(clock);
      open.add(clock);
      const hook = recording(() => {
        if (isSecond && open.has(clock)) throw new Error('there is a hook already');
      });
      return {
        ...hook,
        async close() {
          open.delete(clock);
        },
      };
    },
  };
}

function complete(create: (clock: Clock) => Recording): MetricsContractOptions {
  return { create, recordedTypes: (hook) => (hook as Recording).types };
}

describe('the metrics contract', () => {
  proveRules<MetricsContractOptions>(
    testMetricsContract,
    complete(() => recording()),
    Object.fromEntries(Object.entries(brokenHooks()).map(([rule, create]) => [rule, complete(create)])),
  );

  it('leaves out what needs recorded types', () => {
    const all = rulesOf((runner) =>
      testMetricsContract(
        runner,
        complete(() => recording()),
      ),
    );
    const fewer = rulesOf((runner) => testMetricsContract(runner, { create: () => recording() }));
    expect(all.filter((rule) => !fewer.includes(rule)).map(numberOf)).toEqual([
      'metrics 9',
      'metrics 10',
      'metrics 11',
      'metrics 12',
    ]);
  });

  it('sees a hook that fails later', async () => {
    const onEvent = async (): Promise<void> => Promise.reject(new Error('later'));
    const { failed } = await outcomeOf((runner) =>
      testMetricsContract(
        runner,
        complete(() => ({ types: [], onEvent }) as Recording),
      ),
    );
    expect(failed.map(numberOf)).toContain('metrics 1');
  });
});
