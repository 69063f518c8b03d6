import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settleStream } from '../../src/call-options.js';
import type { ClientOptions, StreamOptions } from '../../src/contracts/index.js';
import { FLUX_OPTIONS, LIVE_OPTIONS, type OptionKind } from '../../src/deepgram/option-table.js';
import { resolveOptions } from '../../src/options.js';
import { startDeepgramEmulator } from '../../src/testing/index.js';
import { transportTo } from '../support/live.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.close());

/** The address that a stream with these options connects to. */
async function addressOf(options: StreamOptions, client: ClientOptions = {}): Promise<URL> {
  const { parameters, model, protocol } = settleStream(options, resolveOptions(client));
  const transport = transportTo(server.url, { parameters: { ...parameters, model }, protocol });
  await new Promise<void>((resolve, reject) => {
    const connection = transport.connect({
      onOpen: () => connection.close(),
      onClose: (_close, error) => (error === undefined ? resolve() : reject(error)),
      onMessage: () => undefined,
      onWarning: () => undefined,
      onPong: () => undefined,
      onDrain: () => undefined,
    });
  });
  return new URL(server.requests.at(-1)?.url ?? '', server.url);
}

function samples(kind: OptionKind): [value: unknown, wire: string[]][] {
  switch (kind.type) {
    case 'boolean':
      return [
        [true, ['true']],
        [false, ['false']],
      ];
    case 'number':
      return [
        [kind.min, [String(kind.min)]],
        [kind.max, [String(kind.max)]],
      ];
    case 'strings':
      return [
        ['a b&c=d', ['a b&c=d']],
        [
          ['x:1', 'é,y', 'z'],
          ['x:1', 'é,y', 'z'],
        ],
      ];
    case 'false-or-number':
      return [
        [false, ['false']],
        [300, ['300']],
      ];
    default:
      return [['some value+', ['some value+']]];
  }
}

/** What an option is of no use without. */
const PARTNERS: Readonly<Record<string, StreamOptions>> = {
  encoding: { sample_rate: 8000 },
  sample_rate: { encoding: 'linear16' },
  utterance_end_ms: { interim_results: true },
  keywords: { model: 'nova-2' },
};

function cases(table: Readonly<Record<string, OptionKind>>, base: StreamOptions) {
  return Object.entries(table)
    .filter(([name]) => name !== 'model')
    .flatMap(([name, kind]) =>
      samples(kind).map(([value, wire]) => ({
        name,
        wire,
        options: { ...base, ...PARTNERS[name], [name]: value },
        shown: JSON.stringify(value),
      })),
    );
}

const FLUX: StreamOptions = { model: 'flux-general-multi' };

describe('every option of a v1 stream reaches the wire', () => {
  it.each(cases(LIVE_OPTIONS, {}))('$name: $shown', async ({ name, options, wire }) => {
    const { pathname, searchParams } = await addressOf(options);
    expect(pathname).toBe('/v1/listen');
    expect(searchParams.getAll(name)).toEqual(wire);
    expect(new Set(searchParams.keys())).toEqual(new Set(['model', ...Object.keys(options)]));
  });
});

describe('every option of a Flux stream reaches the wire', () => {
  it.each(cases(FLUX_OPTIONS, { ...FLUX, eot_threshold: 0.9 }))(
    '$name: $shown',
    async ({ name, options, wire }) => {
      const { pathname, searchParams } = await addressOf(options);
      expect(pathname).toBe('/v2/listen');
      expect(searchParams.getAll(name)).toEqual(wire);
      expect(new Set(searchParams.keys())).toEqual(new Set(Object.keys(options)));
    },
  );

  it.each(['flux-general-en', 'flux-general-multi', 'flux-next'])('model: %s', async (model) => {
    const { pathname, search } = await addressOf({ model, channels: 1, query: { brand_new: ['a', 'b'] } });
    expect(pathname + search).toBe(`/v2/listen?model=${model}&brand_new=a&brand_new=b`);
  });

  it('and the emulator understands all of them at once', async () => {
    const emulator = await startDeepgramEmulator();
    const options: StreamOptions = {
      ...FLUX,
      encoding: 'linear16',
      sample_rate: 16_000,
      eot_threshold: 0.8,
      eager_eot_threshold: 0.4,
      eot_timeout_ms: 3000,
      keyterm: ['one', 'two'],
      language_hint: ['en', 'es'],
      profanity_filter: true,
      numerals: true,
      redact: 'numbers',
      tag: 'mine',
      mip_opt_out: true,
    };
    const { parameters, protocol } = settleStream(options, resolveOptions({}));
    expect(Object.keys(FLUX_OPTIONS).filter((key) => !(key in options))).toEqual([]);
    const transport = transportTo(emulator.url, {
      parameters: { ...parameters, model: 'flux-general-multi' },
      protocol,
    });
    const first = await new Promise<unknown>((resolve, reject) => {
      const connection = transport.connect({
        onMessage: (message) => {
          connection.close();
          resolve(message.type);
        },
        onClose: (_close, error) => reject(error),
        onOpen: () => undefined,
        onWarning: () => undefined,
        onPong: () => undefined,
        onDrain: () => undefined,
      });
    });
    await emulator.close();
    expect(first).toBe('Connected');
  });
});

describe('defaults of the client', () => {
  const defaults = {
    smart_format: true,
    interim_results: true,
    language: 'en',
    keyterm: 'shared',
    eot_threshold: 0.8,
    language_hint: 'es',
  };

  it('go to a Flux stream as far as Flux knows them', async () => {
    const { searchParams } = await addressOf(FLUX, { defaults });
    expect(Object.fromEntries(searchParams)).toEqual({
      model: 'flux-general-multi',
      keyterm: 'shared',
      eot_threshold: '0.8',
      language_hint: 'es',
    });
    const english = await addressOf({}, { defaults: { ...defaults, model: 'flux-general-en' } });
    expect(Object.fromEntries(english.searchParams)).toEqual({
      model: 'flux-general-en',
      keyterm: 'shared',
      eot_threshold: '0.8',
    });
  });

  it('go to a v1 stream without those of Flux', async () => {
    const { searchParams } = await addressOf({}, { defaults });
    expect(Object.fromEntries(searchParams)).toEqual({
      model: 'nova-3',
      smart_format: 'true',
      interim_results: 'true',
      language: 'en',
      keyterm: 'shared',
    });
  });
});
