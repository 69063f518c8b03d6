import type { Deepgram } from '@deepgram/sdk';
import type {
  EnqueueOptions,
  SubmitOptions,
  TranscribeOptions,
  TranscriptionClient,
} from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OptionKind, PRERECORDED_OPTIONS } from '../../src/deepgram/option-table.js';
import { clientOf, failureOf } from '../support/client.js';
import { type FaultServer, listenAnswer, startAnswering } from '../support/fault-server.js';

const { audio } = synthesizeSpeech('hello');
const TABLE: [string, OptionKind][] = Object.entries(PRERECORDED_OPTIONS);

type SdkRequest = Deepgram.listen.v1.MediaTranscribeRequestOctetStream &
  Deepgram.listen.v1.ListenV1RequestUrl;
type SdkKey = Exclude<keyof SdkRequest, 'callback' | 'callback_method' | 'url'>;

/** What the SDK's type of a parameter is on the wire. */
type WireKind<Value> = [Value] extends [boolean]
  ? 'boolean'
  : [Value] extends [number]
    ? 'number'
    : [Extract<Value, readonly unknown[]>] extends [never]
      ? 'string'
      : 'strings';

/** The compiler refuses a key too many, a key too few, and a kind that the SDK does not have. */
const SDK_KEYS = {
  extra: 'strings',
  sentiment: 'boolean',
  summarize: 'string',
  tag: 'strings',
  topics: 'boolean',
  custom_topic: 'strings',
  custom_topic_mode: 'string',
  intents: 'boolean',
  custom_intent: 'strings',
  custom_intent_mode: 'string',
  detect_entities: 'boolean',
  detect_language: 'boolean',
  diarize: 'boolean',
  diarize_model: 'string',
  dictation: 'boolean',
  encoding: 'string',
  filler_words: 'boolean',
  keyterm: 'strings',
  keywords: 'strings',
  language: 'string',
  measurements: 'boolean',
  model: 'string',
  multichannel: 'boolean',
  numerals: 'boolean',
  paragraphs: 'boolean',
  profanity_filter: 'boolean',
  punctuate: 'boolean',
  redact: 'string',
  replace: 'strings',
  search: 'strings',
  smart_format: 'boolean',
  utterances: 'boolean',
  utt_split: 'number',
  version: 'string',
  mip_opt_out: 'boolean',
} as const satisfies { readonly [Key in SdkKey]-?: WireKind<NonNullable<SdkRequest[Key]>> };

/** Where this library takes more than the SDK's type: Deepgram's reference has these forms as well. */
const WIDER: Partial<Record<SdkKey, OptionKind['type']>> = {
  redact: 'strings',
  summarize: 'boolean-or-string',
};
/** What the SDK has for live audio only: raw audio needs it here too. */
const BEYOND_SDK = ['channels', 'sample_rate'];

/** The compiler refuses this where a parameter of the SDK is no option of a call. */
const OPTION_KEYS: readonly (keyof TranscribeOptions & keyof EnqueueOptions & keyof SubmitOptions)[] =
  Object.keys(SDK_KEYS) as SdkKey[];

/** Values of each kind, with what they must look like in the query. */
function samples(name: string, kind: OptionKind): [value: unknown, wire: string[]][] {
  switch (kind.type) {
    case 'boolean':
      return [
        [true, ['true']],
        [false, ['false']],
      ];
    case 'number':
      return [
        [kind.max, [String(kind.max)]],
        ...(kind.integer ? [] : [[1.25, ['1.25']] as [number, string[]]]),
      ];
    case 'strings':
      return [
        ['a b&c=d', ['a b&c=d']],
        [
          ['x:1', 'é,y', 'z'],
          ['x:1', 'é,y', 'z'],
        ],
      ];
    case 'boolean-or-string':
      return [
        [true, ['true']],
        ['v2', ['v2']],
      ];
    default:
      return [[name === 'model' ? 'nova-2' : 'some value+', [name === 'model' ? 'nova-2' : 'some value+']]];
  }
}

const CASES = TABLE.flatMap(([name, kind]) =>
  samples(name, kind).map(([value, wire]) => ({ name, value, wire, shown: JSON.stringify(value) })),
);

let server: FaultServer;
let emulator: DeepgramEmulator;
let client: TranscriptionClient;

beforeAll(async () => {
  server = await startAnswering({ status: 200, body: listenAnswer() });
  emulator = await startDeepgramEmulator();
  // Its address is not looked up: tests leave the machine for nothing.
  client = clientOf(server.url, {
    regions: [{ name: 'here', endpoint: server.url, allowedSources: ['example.test'] }],
  });
});

afterAll(async () => {
  await client.close();
  await emulator.close();
  await server[Symbol.asyncDispose]();
});

async function queryOf(
  options: TranscribeOptions,
  source: string | Uint8Array = audio,
): Promise<URLSearchParams> {
  await client.transcribe(source, options);
  return new URL(server.requests.at(-1)?.url ?? '', server.url).searchParams;
}

describe('every option reaches the wire', () => {
  it('every parameter of the SDK is one, of the same kind', () => {
    expect(TABLE.map(([name]) => name).sort()).toEqual([...OPTION_KEYS, ...BEYOND_SDK].sort());
    for (const [name, kind] of Object.entries(SDK_KEYS) as [SdkKey, string][]) {
      expect([name, PRERECORDED_OPTIONS[name].type]).toEqual([name, WIDER[name] ?? kind]);
    }
  });

  it.each(['transcribe', 'enqueue', 'submit'] as const)('of %s(), all at once', async (method) => {
    const chosen = TABLE.map(([name, kind]) => ({ name, sample: samples(name, kind).at(-1) }));
    const options = Object.fromEntries(chosen.map(({ name, sample }) => [name, sample?.[0]]));
    const query = { brand_new: ['a', 'b'], on: true, off: false, half: 0.5 };
    const source = 'https://example.test/all.wav';
    if (method === 'enqueue') await (await client.enqueue(source, { ...options, query })).result();
    else if (method === 'submit') await client.submit(source, { ...options, query, mode: 'sync' });
    else await client.transcribe(source, { ...options, query });
    const sent = new URL(server.requests.at(-1)?.url ?? '', server.url).searchParams;
    for (const { name, sample } of chosen) expect([name, sent.getAll(name)]).toEqual([name, sample?.[1]]);
    expect(sent.getAll('brand_new')).toEqual(['a', 'b']);
    expect([sent.get('on'), sent.get('off'), sent.get('half')]).toEqual(['true', 'false', '0.5']);
    expect(new Set(sent.keys())).toEqual(new Set([...Object.keys(options), ...Object.keys(query)]));
  });

  it.each(CASES)('$name: $shown', async ({ name, value, wire }) => {
    // Deepgram takes keywords only on models before Nova-3.
    const options = { ...(name === 'keywords' ? { model: 'nova-2' } : {}), [name]: value };
    for (const source of [audio, 'https://example.test/a.wav']) {
      const query = await queryOf(options, source);
      expect(query.getAll(name)).toEqual(wire);
      const expected = new Set(['model', name]);
      expect(new Set(query.keys())).toEqual(expected);
    }
  });

  it('passes unknown parameters through query, arrays repeated', async () => {
    const query = await queryOf({ query: { brand_new: ['a', 'b'], count: 3, on: true, off: false } });
    expect(query.getAll('brand_new')).toEqual(['a', 'b']);
    expect([query.get('count'), query.get('on'), query.get('off')]).toEqual(['3', 'true', 'false']);
  });

  it('lets the defaults of the client through, and the call override them', async () => {
    const own = clientOf(server.url, {
      defaults: { model: 'nova-2', smart_format: true, interim_results: true, query: { a: '1', b: '1' } },
    });
    await own.transcribe(audio, { smart_format: false, query: { b: '2' } });
    await own.close();
    const query = new URL(server.requests.at(-1)?.url ?? '', server.url).searchParams;
    expect(Object.fromEntries(query)).toEqual({ model: 'nova-2', smart_format: 'false', a: '1', b: '2' });
  });

  it('sends what the emulator journals, and nothing of the library', async () => {
    const own = clientOf(emulator.url);
    const signal = new AbortController().signal;
    await own.transcribe(audio, {
      smart_format: true,
      tag: ['one', 'two'],
      userId: 'u',
      metadata: { a: 1 },
      timeoutMs: 5000,
      priority: 2,
      signal,
    });
    await own.close();
    const request = emulator.requests.at(-1);
    const sent = [...(request?.query ?? [])].map(([name, value]) => `${name}=${value}`).sort();
    expect(sent).toEqual(['model=nova-3', 'smart_format=true', 'tag=one', 'tag=two']);
    expect(request?.headers.authorization).toBe('Token ***');
    expect(request?.bodyBytes).toBe(audio.byteLength);
  });

  it('does not lose, or take for a prototype, a parameter named __proto__', async () => {
    const query = JSON.parse('{"__proto__": ["x", "y"]}') as Record<string, string[]>;
    expect((await queryOf({ query })).getAll('__proto__')).toEqual(['x', 'y']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('sends a key as Token and an access token as Bearer, asked for at each call', async () => {
    const seen: (string | undefined)[] = [];
    let count = 0;
    const secrets = [
      { apiKey: 'k1' },
      { apiKey: async () => `k${++count}` },
      { accessToken: () => `jwt${++count}`, apiKey: 'unused' },
    ];
    for (const options of secrets) {
      const own = clientOf(server.url, options);
      await own.transcribe(audio);
      await own.transcribe(audio);
      await own.close();
      seen.push(...server.requests.slice(-2).map(({ headers }) => headers.authorization));
    }
    expect(seen).toEqual(['Token k1', 'Token k1', 'Token k1', 'Token k2', 'Bearer jwt3', 'Bearer jwt4']);
  });
});

describe('options that cannot be sent', () => {
  const wrong = TABLE.flatMap(([name, kind]): [string, unknown][] => {
    if (kind.type === 'boolean')
      return [
        [name, 'true'],
        [name, 1],
        [name, null],
      ];
    if (kind.type === 'number') {
      const outside = [kind.min - 1, kind.max + 1, Number.NaN, Number.POSITIVE_INFINITY, '5', null];
      return [...outside, ...(kind.integer ? [kind.min + 0.5] : [])].map((value) => [name, value]);
    }
    if (kind.type === 'strings')
      return [
        [name, []],
        [name, ['']],
        [name, [5]],
        [name, { a: 1 }],
      ];
    return [
      [name, ''],
      [name, 5],
      [name, 'x'.repeat(100_000)],
      [name, {}],
    ];
  });

  it.each(wrong)('%s: %j', async (name, value) => {
    const startedAt = performance.now();
    const error = await failureOf(client.transcribe(audio, { [name]: value }));
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
    expect(error.message).toContain(name);
    expect(error.message.length).toBeLessThan(300);
  });

  it.each([
    [{ query: 'a=b' }, 'query'],
    [{ query: { model: 'nova-2' } }, 'query.model'],
    [{ query: { callback: 'https://x.test' } }, 'callback'],
    [{ query: { a: {} } }, 'query.a'],
    [{ query: { a: [] } }, 'query.a'],
    [{ query: { a: Number.NaN } }, 'query.a'],
    [{ tag: 'x'.repeat(129) }, 'tag'],
    [{ extra: 'x'.repeat(2049) }, 'extra'],
    [{ model: 'nova-3', keywords: 'a' }, 'keyterm'],
  ])('%j', async (options, named) => {
    const error = await failureOf(client.transcribe(audio, options as TranscribeOptions));
    expect(error.code).toBe('invalid_option');
    expect(error.message).toContain(named);
  });

  it.each(['callback', 'callback_method', 'url', 'brand_new', 'Model', 'smartFormat', 'toString'])(
    'a top-level %s is unknown to transcribe(), enqueue() and submit()',
    async (name) => {
      const before = server.requests.length;
      for (const method of ['transcribe', 'enqueue', 'submit'] as const) {
        const error = await failureOf(client[method](audio, { [name]: 'x' } as object));
        expect(error).toMatchObject({ name: 'BadRequestError', code: 'unknown_option' });
        expect(error.message).toContain(name);
        expect(error.message).toContain(`${method}()`);
      }
      expect(server.requests).toHaveLength(before);
    },
  );

  it.each(['transcribe', 'enqueue', 'submit'] as const)(
    '%s() takes no callback through query',
    async (method) => {
      for (const name of ['callback', 'callback_method']) {
        const error = await failureOf(client[method](audio, { query: { [name]: 'https://x.test' } }));
        expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
      }
    },
  );
});
