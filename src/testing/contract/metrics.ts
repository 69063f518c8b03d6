import { deepEqual, doesNotThrow, equal } from 'node:assert/strict';
import type { Clock } from '../../contracts/clock.js';
import type { ClientEvent } from '../../contracts/events.js';
import type { MetricsHook } from '../../contracts/metrics.js';
import { checkSuite } from './check-suite.js';
import { eventsOfEachValue, exampleEvents } from './example-events.js';
import { type Clause, type ContractOptions, type ContractRunner, runSuite, type Subject } from './runner.js';

export interface MetricsContractOptions extends ContractOptions<MetricsHook> {
  /** A new hook. Called once or twice for each rule. */
  create(clock: Clock): MetricsHook | Promise<MetricsHook>;
  /**
   * The types of the events that the hook has recorded, in its order. Where it is given, the rules about the
   * order and number of events run as well.
   */
  recordedTypes?(hook: MetricsHook): readonly string[] | Promise<readonly string[]>;
}

type MetricsContext = Subject<MetricsHook> & { recordedTypes(hook: MetricsHook): Promise<readonly string[]> };

/** Hands an event over and sees what an async hook makes of it. */
async function tell(hook: MetricsHook, event: ClientEvent): Promise<void> {
  let result: unknown;
  doesNotThrow(() => {
    // Hooks share one object: what one of them does to it is the matter of a rule of its own.
    result = hook.onEvent({ ...event });
  }, `threw on ${event.type}`);
  await result;
}

function unknownEvents(): ClientEvent[] {
  const later: unknown[] = [
    { type: 'of-a-later-version' },
    { type: 'of-a-later-version', callId: 'call_1', mode: 'of-a-later-version', durationMs: null },
    { type: '__proto__', code: 'x' },
    { type: 'constructor' },
  ];
  // A later version of the client may report what this one has no type for.
  return later as ClientEvent[];
}

const clauses: readonly Clause<MetricsContext>[] = [
  {
    rule: 'metrics 1: an event of each kind, with each value that its fields may have, is taken without an error',
    async check({ adapter }) {
      for (const event of [...exampleEvents(), ...eventsOfEachValue()]) await tell(adapter, event);
    },
  },
  {
    rule: 'metrics 2: an event is left as it was',
    async check({ adapter }) {
      for (const event of exampleEvents()) {
        const copy = { ...event };
        try {
          await adapter.onEvent(copy);
        } catch {
          // Another rule's matter.
        }
        deepEqual(copy, event);
      }
    },
  },
  {
    rule: 'metrics 3: an end without its beginning, and the same event twice, are taken without an error',
    async check({ adapter }) {
      for (const event of exampleEvents().reverse()) {
        await tell(adapter, event);
        await tell(adapter, event);
      }
    },
  },
  {
    rule: 'metrics 4: an event of an unknown type is taken without an error',
    async check({ adapter }) {
      for (const event of unknownEvents()) await tell(adapter, event);
    },
  },
  {
    rule: 'metrics 5: an event with an unknown field or an unknown value is taken without an error',
    async check({ adapter }) {
      for (const event of exampleEvents()) {
        const later: unknown = { ...event, laterField: { deep: [1] }, status: 'later', state: 'later' };
        await tell(adapter, later as ClientEvent);
      }
    },
  },
  {
    rule: 'metrics 6: a second hook in the same process takes events of its own',
    async check({ adapter, another }) {
      const second = await another();
      for (const event of exampleEvents()) {
        await tell(adapter, event);
        await tell(second, event);
      }
    },
  },
  {
    rule: 'metrics 7: close may be called twice',
    async check({ adapter }) {
      await tell(adapter, { type: 'deduplicated', transcriptId: 'tr_1' });
      await adapter.close?.();
      await adapter.close?.();
    },
  },
  {
    rule: 'metrics 8: an event that comes after close is taken without an error',
    async check({ adapter, end }) {
      await end(adapter);
      for (const event of exampleEvents()) await tell(adapter, event);
    },
  },
  {
    rule: 'metrics 9: each event is recorded once, in the order in which they came',
    needs: ['recordedTypes'],
    async check({ adapter, recordedTypes }) {
      const events = [...exampleEvents(), ...exampleEvents()];
      for (const event of events) await tell(adapter, event);
      deepEqual(
        await recordedTypes(adapter),
        events.map(({ type }) => type),
      );
    },
  },
  {
    rule: 'metrics 10: a hook records nothing of what another one was told',
    needs: ['recordedTypes'],
    async check({ adapter, another, recordedTypes }) {
      const second = await another();
      for (const event of exampleEvents()) await tell(adapter, event);
      equal((await recordedTypes(second)).length, 0);
    },
  },
  {
    rule: 'metrics 11: of 5000 events none is lost',
    needs: ['recordedTypes'],
    async check({ adapter, recordedTypes }) {
      for (let count = 0; count < 5000; count++) {
        await tell(adapter, { type: 'warning', code: `code_${count % 7}`, message: `Warning ${count}.` });
      }
      equal((await recordedTypes(adapter)).length, 5000);
    },
  },
  {
    rule: 'metrics 12: the close of one hook ends no other one',
    needs: ['recordedTypes'],
    async check({ adapter, another, end, recordedTypes }) {
      const second = await another();
      await end(adapter);
      const events = exampleEvents();
      for (const event of events) await tell(second, event);
      equal((await recordedTypes(second)).length, events.length);
    },
  },
];

/**
 * Checks a metrics hook against the contract, one test for each rule.
 *
 * ```ts
 * testMetricsContract({ describe, it }, { create: () => createMyMetrics() });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option.
 */
export function testMetricsContract(runner: ContractRunner, options: MetricsContractOptions): void {
  checkSuite('testMetricsContract()', runner, options, { keys: ['recordedTypes'] });
  const { recordedTypes } = options;
  runSuite(runner, {
    title: 'metrics contract',
    clauses,
    stated: { recordedTypes: recordedTypes !== undefined },
    time: 'injected',
    options,
    open: (clock) => options.create(clock),
    another: (clock) => options.create(clock),
    context: (subject) => ({
      ...subject,
      recordedTypes: async (hook) => (await recordedTypes?.(hook)) ?? [],
    }),
  });
}
