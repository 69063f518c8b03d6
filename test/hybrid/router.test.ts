import type { RouteFacts, RouteRule, RouterOptions, SubmitOptions } from 'transcription-client';
import { fromFile } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { createRouter } from '../../src/hybrid/router.js';
import { clientOf, failureOf } from '../support/client.js';

const CALM = { saturated: false, waiting: 0, regionFailing: false };
const FACTS: RouteFacts = { live: false, queueable: true, allowAsync: false, load: CALM };
const FULL: Partial<RouteFacts> = { allowAsync: true, load: { ...CALM, saturated: true, waiting: 3 } };
const FAILING: Partial<RouteFacts> = { allowAsync: true, load: { ...CALM, regionFailing: true } };

describe('the router', () => {
  const table: [Partial<RouteFacts>, RouterOptions, string, string][] = [
    [{}, {}, 'sync', 'otherwise'],
    [{ durationSeconds: 0 }, {}, 'sync', 'short-audio'],
    [{ durationSeconds: 59.9 }, {}, 'sync', 'short-audio'],
    [{ durationSeconds: 60 }, {}, 'sync', 'otherwise'],
    [{ durationSeconds: 300 }, {}, 'sync', 'otherwise'],
    [{ durationSeconds: 300.1 }, {}, 'async', 'long-audio'],
    [{ durationSeconds: 60 }, { otherwise: 'async' }, 'async', 'otherwise'],
    [{ durationSeconds: 59.9 }, { otherwise: 'async' }, 'sync', 'short-audio'],
    [{ durationSeconds: 9999, queueable: false }, {}, 'sync', 'otherwise'],
    [{ live: true }, {}, 'stream', 'live-audio'],
    [{ live: true, durationSeconds: 1 }, {}, 'stream', 'live-audio'],
    [{ live: true, mode: 'sync' }, {}, 'sync', 'asked-for'],
    [{ durationSeconds: 1, mode: 'async' }, {}, 'async', 'asked-for'],
    [{ durationSeconds: 5 }, { syncBelowSeconds: 5, asyncAboveSeconds: 5 }, 'sync', 'otherwise'],
    [{ durationSeconds: 5.1 }, { syncBelowSeconds: 5, asyncAboveSeconds: 5 }, 'async', 'long-audio'],
    [{ durationSeconds: 1 }, { syncBelowSeconds: 0 }, 'sync', 'otherwise'],
    [FULL, {}, 'async', 'pressure'],
    [FAILING, {}, 'async', 'pressure'],
    [{ ...FULL, durationSeconds: 5 }, {}, 'async', 'pressure'],
    [{ ...FULL, allowAsync: false }, {}, 'sync', 'otherwise'],
    [{ ...FULL, queueable: false }, {}, 'sync', 'otherwise'],
    [{ ...FULL, durationSeconds: 5, queueable: false }, {}, 'sync', 'short-audio'],
    [{ ...FULL, load: CALM }, {}, 'sync', 'otherwise'],
    [{ ...FULL, mode: 'sync' }, {}, 'async', 'pressure'],
    [{ ...FULL, mode: 'sync' }, { otherwise: 'stream' }, 'async', 'pressure'],
    [{ ...FULL, mode: 'sync', queueable: false }, {}, 'sync', 'asked-for'],
    [{ ...FULL, mode: 'sync', load: CALM }, {}, 'sync', 'asked-for'],
    [{ ...FULL, live: true }, {}, 'stream', 'live-audio'],
    [{ ...FULL, durationSeconds: 301 }, {}, 'async', 'long-audio'],
    [FULL, { otherwise: 'stream' }, 'stream', 'otherwise'],
    [{ ...FULL, durationSeconds: 5 }, { otherwise: 'stream' }, 'async', 'pressure'],
  ];

  it.each(table)('%j with %j: %s by %s', (facts, options, mode, rule) => {
    const router = createRouter(options);
    const all = { ...FACTS, ...facts };
    expect(router(all)).toEqual({ mode, rule, facts: all });
    expect(router(all)).toEqual(router(all));
  });

  it('lets no rule change what it is asked by', () => {
    const meddling: RouteRule = {
      name: 'meddling',
      decide({ load }) {
        (load as { saturated: boolean }).saturated = true;
        return undefined;
      },
    };
    expect(() => createRouter({ rules: [meddling] })({ ...FACTS, allowAsync: true })).toThrow(/meddling/);
  });

  it('refuses a rule that is an async function, and hears its failure', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const rule = {
      name: 'late',
      decide: () => Promise.reject(new Error('no answer')),
    } as unknown as RouteRule;
    expect(() => createRouter({ rules: [rule] })(FACTS)).toThrow(/late/);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('asks own rules before the built-in ones, but after the caller', () => {
    const large: RouteRule = {
      name: 'large',
      decide: ({ sizeBytes }) => ((sizeBytes ?? 0) > 1000 ? 'async' : undefined),
    };
    const router = createRouter({ rules: [large] });
    expect(router({ ...FACTS, sizeBytes: 1001, durationSeconds: 1 })).toMatchObject({
      mode: 'async',
      rule: 'large',
    });
    expect(router({ ...FACTS, sizeBytes: 1000, durationSeconds: 1 })).toMatchObject({ rule: 'short-audio' });
    expect(router({ ...FACTS, sizeBytes: 1001, mode: 'sync' })).toMatchObject({ rule: 'asked-for' });
  });

  describe('with a function as rules', () => {
    const namesOf = (rules: readonly RouteRule[]): string[] => rules.map(({ name }) => name);
    const hurry: RouteRule = {
      name: 'hurry',
      decide: ({ userId }) => (userId === 'vip' ? 'sync' : undefined),
    };

    it('hands it the built-in ones by name, in their order', () => {
      let names: string[] = [];
      const router = createRouter({
        rules(builtIn) {
          names = namesOf(builtIn);
          return builtIn;
        },
      });
      expect(names).toEqual(['asked-for', 'live-audio', 'long-audio', 'pressure', 'short-audio']);
      expect(router({ ...FACTS, durationSeconds: 1 })).toEqual(
        createRouter()({ ...FACTS, durationSeconds: 1 }),
      );
    });

    it('drops, replaces and reorders', () => {
      const without = createRouter({
        rules: (builtIn) => builtIn.filter(({ name }) => name !== 'asked-for'),
      });
      expect(without({ ...FACTS, mode: 'async', durationSeconds: 1 })).toMatchObject({ rule: 'short-audio' });
      const replaced = createRouter({
        rules: (builtIn) => builtIn.map((rule) => (rule.name === 'pressure' ? hurry : rule)),
      });
      expect(replaced({ ...FACTS, ...FULL, userId: 'vip' })).toMatchObject({ mode: 'sync', rule: 'hurry' });
      const before = createRouter({ rules: (builtIn) => [hurry, ...builtIn] });
      expect(before({ ...FACTS, mode: 'async', userId: 'vip' })).toMatchObject({
        mode: 'sync',
        rule: 'hurry',
      });
      expect(createRouter({ rules: () => [] })(FACTS)).toMatchObject({ mode: 'sync', rule: 'otherwise' });
    });

    it.each([
      [() => undefined, 'array of rules'],
      [() => [{ name: 'x' }], 'decide'],
      [() => [undefined], 'decide'],
      [
        () => {
          throw new Error('own bug');
        },
        'router.rules failed',
      ],
    ])('refuses one that returns no rules or throws', (rules, message) => {
      const make = () => createRouter({ rules: rules as unknown as () => RouteRule[] });
      expect(make).toThrow(
        expect.objectContaining({ name: 'BadRequestError', message: expect.stringContaining(message) }),
      );
    });

    it('breaks only submit() where it fails', async () => {
      await using emulator = await startDeepgramEmulator();
      await using client = clientOf(emulator.url, { router: { rules: () => [undefined as never] } });
      const { audio } = synthesizeSpeech('words');
      expect((await client.transcribe(audio)).text).toBe('words');
      expect((await failureOf(client.submit(audio))).code).toBe('invalid_option');
    });
  });

  it('gives rules facts that they cannot change', () => {
    const meddler: RouteRule = {
      name: 'meddler',
      decide(facts) {
        (facts as { live: boolean }).live = true;
        return undefined;
      },
    };
    expect(() => createRouter({ rules: [meddler] })({ ...FACTS })).toThrow(/meddler.*failed/);
  });

  it.each([
    [() => 'later', 'a rule that returns'],
    [async () => 'sync', 'a rule that returns'],
    [
      () => {
        throw new Error('own bug');
      },
      'failed',
    ],
  ])('refuses a rule that returns nonsense or throws', (decide, message) => {
    const router = createRouter({ rules: [{ name: 'mine', decide: decide as RouteRule['decide'] }] });
    expect(() => router(FACTS)).toThrow(
      expect.objectContaining({
        name: 'BadRequestError',
        message: expect.stringMatching(new RegExp(`mine.*${message}`)),
      }),
    );
  });

  it('refuses thresholds that cross', () => {
    expect(() => createRouter({ syncBelowSeconds: 301 })).toThrow(/syncBelowSeconds.*at most.*300.*301/);
    expect(() => createRouter({ asyncAboveSeconds: 59 })).toThrow(/syncBelowSeconds/);
  });
});

describe('submit()', () => {
  const { audio } = synthesizeSpeech('routed words');

  it('hands the work to the mode, tells the decision, and reports it', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const routes: unknown[] = [];
    client.on('route', (event) => routes.push(event));
    const sync = await client.submit(audio, { durationSeconds: 5 });
    if (sync.mode !== 'sync') throw new Error('expected sync');
    expect(sync.transcript.text).toBe('routed words');
    expect(sync.decision).toMatchObject({
      rule: 'short-audio',
      facts: { durationSeconds: 5, sizeBytes: audio.byteLength, queueable: true, live: false },
    });
    const queued = await client.submit(audio, { durationSeconds: 500 });
    if (queued.mode !== 'async') throw new Error('expected async');
    expect((await queued.job.result()).text).toBe('routed words');
    const live = await client.submit(audio, { mode: 'stream' });
    if (live.mode !== 'stream') throw new Error('expected stream');
    expect((await live.live.finish()).text).toBe('routed words');
    expect(routes).toEqual(
      [sync, queued, live].map(({ mode, decision: { rule, facts } }) => ({
        type: 'route',
        mode,
        rule,
        facts,
      })),
    );
  });

  it.each([
    [{ mode: 'sync' }, 'file_not_found'],
    [{ mode: 'stream' }, 'file_not_found'],
  ] as [SubmitOptions, string][])('a source that cannot be opened fails in %j', async (options, code) => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const run = async (): Promise<unknown> => {
      const outcome = await client.submit(fromFile('/nowhere/a.wav'), options);
      return outcome.mode === 'stream' ? outcome.live.finish() : outcome;
    };
    const error = await failureOf(run());
    expect(error.code).toBe(code);
  });
});
