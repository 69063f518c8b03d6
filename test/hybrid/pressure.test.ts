import type { ClientEventOf, ClientOptions, LimitsAdapter, SubmitOptions } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import { startAnswering } from '../support/fault-server.js';

const { audio } = synthesizeSpeech('words under pressure');
const ONE_PLACE: ClientOptions = { limits: { maxConcurrent: 1 }, queue: { autoStart: false } };
const ALLOWED: SubmitOptions = { allowAsync: true };

/** A client whose only place is taken as long as `run` runs. */
async function whileFull(
  options: ClientOptions,
  run: (client: ReturnType<typeof clientOf>) => Promise<void>,
): Promise<void> {
  await using emulator = await startDeepgramEmulator();
  await using client = clientOf(emulator.url, { ...ONE_PLACE, ...options });
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const hold = client.transcribe(
    (async function* () {
      yield audio;
      await gate;
    })(),
  );
  await new Promise<void>((resolve) => {
    client.once('request-start', () => resolve());
  });
  await new Promise(setImmediate);
  try {
    await run(client);
  } finally {
    open();
    await hold;
  }
}

describe('where all places are taken', () => {
  it.each([
    [{}, ALLOWED],
    [{ router: { allowAsync: true } }, {}],
  ] as [ClientOptions, SubmitOptions][])(
    'audio is queued where %j and %j allow it',
    async (options, call) => {
      await whileFull(options, async (client) => {
        const routes: ClientEventOf<'route'>[] = [];
        client.on('route', (event) => routes.push(event));
        const outcome = await client.submit(audio, { ...call, userId: 'u1', durationSeconds: 5 });
        expect(outcome).toMatchObject({
          mode: 'async',
          decision: {
            rule: 'pressure',
            facts: { allowAsync: true, load: { saturated: true, waiting: 0, regionFailing: false } },
          },
        });
        expect(routes).toEqual([{ type: 'route', ...outcome.decision }]);
      });
    },
  );

  it.each([
    [{}, {}],
    [{ router: { allowAsync: true } }, { allowAsync: false }],
    [{ router: { allowAsync: true } }, { mode: 'sync' }],
  ] as [ClientOptions, SubmitOptions][])('it waits for %j and %j', async (options, call) => {
    const waiting: Promise<unknown>[] = [];
    await whileFull(options, async (client) => {
      const routed = new Promise<ClientEventOf<'route'>>((resolve) => {
        client.once('route', resolve);
      });
      waiting.push(client.submit(audio, call));
      expect(await routed).toMatchObject({ mode: 'sync', facts: { load: { saturated: true } } });
    });
    expect(await Promise.all(waiting)).toMatchObject([{ mode: 'sync' }]);
  });

  it('limits that do not tell of it in time count as free', async () => {
    await using emulator = await startDeepgramEmulator();
    const limits = {
      acquire: async () => ({ waitedMs: 0, release: () => undefined }),
      load: () => new Promise<never>(() => undefined),
    };
    await using client = clientOf(emulator.url, { limits });
    const { mode, decision } = await client.submit(audio, { allowAsync: true });
    expect([mode, decision.facts.load.saturated]).toEqual(['sync', false]);
  });

  it('a stream that is read once waits, for a queue cannot keep it', async () => {
    const waiting: Promise<unknown>[] = [];
    await whileFull({}, async (client) => {
      waiting.push(client.submit(new Blob([audio]).stream(), ALLOWED));
    });
    expect(await Promise.all(waiting)).toMatchObject([{ mode: 'sync', decision: { rule: 'otherwise' } }]);
  });

  it('nothing is queued while a place is free', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, ONE_PLACE);
    for (let call = 0; call < 3; call += 1) {
      expect(await client.submit(audio, ALLOWED)).toMatchObject({
        mode: 'sync',
        decision: { facts: { load: { saturated: false, waiting: 0 } } },
      });
    }
  });

  it('the requests of a minute are such places', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, {
      limits: { requestsPerMinute: 2 },
      queue: { autoStart: false },
    });
    const modes = [];
    for (let call = 0; call < 3; call += 1) modes.push((await client.submit(audio, ALLOWED)).mode);
    expect(modes).toEqual(['sync', 'sync', 'async']);
  });
});

describe('limits of the user’s own', () => {
  const free: LimitsAdapter = { acquire: async () => ({ waitedMs: 0, release: () => undefined }) };

  it.each([
    ['tells that it is full', async () => ({ isFull: true, waiting: 7 }), 'async', 7],
    ['tells that it has room', () => ({ isFull: false, waiting: 0 }), 'sync', 0],
    ['tells nothing', undefined, 'sync', 0],
    [
      'fails to tell',
      () => {
        throw new Error('own bug');
      },
      'sync',
      0,
    ],
  ] as [string, LimitsAdapter['load'], string, number][])(
    'an adapter that %s',
    async (_what, load, mode, waiting) => {
      await using emulator = await startDeepgramEmulator();
      const limits = load === undefined ? free : { ...free, load };
      await using client = clientOf(emulator.url, { limits, queue: { autoStart: false } });
      const outcome = await client.submit(audio, ALLOWED);
      expect(outcome.mode).toBe(mode);
      expect(outcome.decision.facts.load.waiting).toBe(waiting);
    },
  );
});

describe('where the region fails', () => {
  const options: ClientOptions = { retry: { attempts: 1 }, queue: { autoStart: false } };

  async function modeAfter(statuses: readonly number[]): Promise<string> {
    await using server = await startAnswering(...statuses.map((status) => ({ status })));
    await using client = clientOf(server.url, options);
    for (const _ of statuses) await client.transcribe(audio).catch(() => undefined);
    const routed = new Promise<ClientEventOf<'route'>>((resolve) => {
      client.once('route', resolve);
    });
    await client.submit(audio, ALLOWED).catch(() => undefined);
    return (await routed).mode;
  }

  it('audio is queued after five attempts of which half failed', async () => {
    expect(await modeAfter([503, 503, 503, 503, 503])).toBe('async');
    expect(await modeAfter([503, 400, 503, 400, 503])).toBe('async');
  });

  it('it is not queued after fewer, nor for what the caller did wrong', async () => {
    expect(await modeAfter([503, 503, 503, 503])).toBe('sync');
    expect(await modeAfter([400, 400, 400, 400, 400, 400])).toBe('sync');
    expect(await modeAfter([503, 503, 400, 400, 400])).toBe('sync');
  });
});
