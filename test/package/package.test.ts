import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, createConsumer } from '../support/consumer.js';

let consumer: Consumer;

beforeAll(() => {
  consumer = createConsumer();
}, 60_000);

afterAll(() => consumer.dispose());

const ROOT_NAMES = [
  'AbortedError',
  'AuthError',
  'BadRequestError',
  'NetworkError',
  'ProviderError',
  'QueueError',
  'RateLimitError',
  'StorageError',
  'TimeoutError',
  'TranscriptionClient',
  'TranscriptionError',
  'UnsupportedSourceError',
  'createMemoryStorage',
  'fromFile',
  'fromStream',
  'toPlainText',
  'toSrt',
  'toVtt',
  'verifyWebhook',
];

const TESTING_NAMES = [
  'BROKEN_WORD',
  'createFakeClock',
  'credentialFingerprint',
  'deepgramHandlers',
  'encodeWav',
  'encodeWebm',
  'signWebhook',
  'startDeepgramEmulator',
  'startFaultProxy',
  'synthesizeConversation',
  'synthesizeSpeech',
  'syntheticSpeechRecognizer',
  'testAudioStoreContract',
  'testLimitsContract',
  'testMetricsContract',
  'testQueueContract',
  'testStorageContract',
];

const RECORDS_NAMES = [
  'Cursors',
  'checkPurgeQuery',
  'fromJsonRecord',
  'isListed',
  'isPurged',
  'isStorable',
  'isStorableId',
  'limitOf',
  'newestFirst',
  'toJsonRecord',
];

describe('the packed package', () => {
  it.each([
    ['.', ROOT_NAMES],
    ['./bullmq', ['createBullmqPostgresQueue', 'createBullmqQueue']],
    ['./encryption', ['encryptAudioStore', 'encryptStorage']],
    ['./express', ['createRouter']],
    ['./files', ['createFileAudioStore']],
    ['./http', ['DEFAULT_ALLOWED_OPTIONS', 'createHandlers']],
    ['./http-client', ['HttpClientError', 'createHttpClient']],
    ['./next', ['createPagesHandler', 'createRouteHandlers']],
    ['./postgres', ['createPostgresStorage']],
    ['./prometheus', ['createPrometheus']],
    ['./records', RECORDS_NAMES],
    ['./redis', ['createRedisLimits']],
    ['./s3', ['createS3AudioStore']],
    ['./sqlite', ['createSqliteQueue', 'createSqliteStorage']],
    ['./testing', TESTING_NAMES],
    ['./unstorage', ['createUnstorageStorage']],
    [
      './websocket',
      ['DEFAULT_ALLOWED_OPTIONS', 'bearerToken', 'createStreamTokens', 'createWebSocketBridge'],
    ],
    [
      './browser',
      [
        'MICROPHONE_WORKLET',
        'TranscriptionError',
        'createDirectClient',
        'createLiveClient',
        'createMicrophone',
      ],
    ],
  ])('exports the same public names from %s to import and to require', async (subpath, names) => {
    const specifier = `transcription-client${subpath.slice(1)}`;
    consumer.write(
      'names.mjs',
      `import * as all from '${specifier}'; console.log(Object.keys(all).sort().join());`,
    );
    consumer.write('names.cjs', `console.log(Object.keys(require('${specifier}')).sort().join());`);
    for (const file of ['names.mjs', 'names.cjs']) {
      const { stdout, stderr } = await consumer.run(file);
      expect(stderr).toBe('');
      expect(stdout.trim().split(',')).toEqual(names);
    }
  });

  it.each([
    [
      'mjs',
      "import { TranscriptionClient } from 'transcription-client';\nimport * as testing from 'transcription-client/testing';",
    ],
    [
      'cjs',
      "const { TranscriptionClient } = require('transcription-client');\nconst testing = require('transcription-client/testing');",
    ],
  ])('transcribes in all modes from a .%s file, and lets the process end', async (extension, imports) => {
    consumer.write(`all.${extension}`, `${imports}\n${ALL_MODES}`);
    const { stdout, stderr, exitCode } = await consumer.run(`all.${extension}`);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(Array(4).fill('one two three'));
    expect(exitCode).toBe(0);
  });

  it('recognises its errors across the two builds', async () => {
    consumer.write(
      'brand.mjs',
      `import { createRequire } from 'node:module';
       import { AuthError, BadRequestError, TranscriptionError } from 'transcription-client';
       const other = createRequire(import.meta.url)('transcription-client');
       const error = new other.AuthError('x', { code: 'missing_credentials' });
       console.log(TranscriptionError.isInstance(error), error instanceof TranscriptionError,
         error instanceof AuthError, error instanceof BadRequestError);`,
    );
    expect((await consumer.run('brand.mjs')).stdout.trim()).toBe('true true true false');
  });

  it('does nothing when it is imported, and needs no key until the first call', async () => {
    consumer.write(
      'quiet.mjs',
      `import { TranscriptionClient } from 'transcription-client';
       const client = new TranscriptionClient();
       console.log(process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|Immediate/.test(name)).length);
       await client.transcribe('https://example.com/a.wav').catch((error) => console.log(error.name, error.code));
       await client.close();`,
    );
    expect((await consumer.run('quiet.mjs')).stdout).toBe('0\nAuthError missing_credentials\n');
  });

  it.each([
    ['mjs', LOADED_MODULES],
    ['cjs', REQUIRED_MODULES],
  ])('loads in a .%s file what calls need only when there is one', async (extension, script) => {
    consumer.write(`loaded.${extension}`, script);
    const { stdout, stderr } = await consumer.run(`loaded.${extension}`);
    expect(stderr).toBe('');
    const [unused = '', called = ''] = stdout.split('---');
    expect(unused).toContain('transcription-client');
    expect(unused.split('\n').filter((path) => LOADED_BY_CALLS.test(path))).toEqual([]);
    expect(called).toMatch(/engine-/);
  });

  it('keeps the node: prefix, and its CommonJS build neither imports lazily nor requires ES modules', () => {
    const dist = join(consumer.folder, 'node_modules/transcription-client/dist');
    const code = readdirSync(dist)
      .filter((name) => /\.c?js$/.test(name))
      .map((name) => [name, readFileSync(join(dist, name), 'utf8')] as const);
    for (const [name, text] of code) {
      expect(text, name).not.toMatch(
        /(?:from|require\(|import\() ?["'](?:fs|http|https|path|crypto|stream)(?:\/\w+)?["']/,
      );
      if (!name.endsWith('.cjs')) continue;
      expect(text, name).not.toMatch(/[^.\w]import\(/);
      expect(text, name).not.toMatch(/require\(["']p-(?:queue|retry)["']\)/);
    }
  });

  it('ships what it promises and nothing else', () => {
    const own = join(consumer.folder, 'node_modules/transcription-client');
    expect(readdirSync(own).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'package.json',
    ]);
    expect(readdirSync(join(own, 'docs'))).toEqual(
      readdirSync('docs').filter((name) => name.endsWith('.md')),
    );
  });
});

const ALL_MODES = `
(async () => {
  const emulator = await testing.startDeepgramEmulator();
  const client = new TranscriptionClient({ apiKey: 'k', regions: [{ name: 'e', endpoint: emulator.url }] });
  const { audio } = testing.synthesizeSpeech('one two three');
  console.log((await client.transcribe(audio)).text);
  console.log((await (await client.enqueue(audio)).result()).text);
  const live = client.stream();
  await live.send(audio);
  console.log((await live.finish()).text);
  console.log((await client.submit(audio, { durationSeconds: 2 })).transcript.text);
  await client.close();
  await emulator.close();
})();
`;

/** Packages, and the library's own module for calls. */
const LOADED_BY_CALLS =
  /[\\/](?:@deepgram[\\/]sdk|isomorphic-ws|ws|p-queue|p-retry)[\\/]|[\\/](?:engine|open)-\w+\./;

/** Prints what an import and an unused client load, and after `---` what a call loads. */
const LOADED_MODULES = `
import { writeSync } from 'node:fs';
import { register } from 'node:module';
const hook = "import { writeSync } from 'node:fs';" +
  "export function load(url, context, next) { writeSync(1, url + '\\\\n'); return next(url, context); }";
register('data:text/javascript,' + encodeURIComponent(hook));
const { TranscriptionClient } = await import('transcription-client');
await new TranscriptionClient().close();
writeSync(1, '---');
await new TranscriptionClient().transcribe('https://example.com/a.wav').catch(() => undefined);
`;

const REQUIRED_MODULES = `
const { TranscriptionClient } = require('transcription-client');
(async () => {
  await new TranscriptionClient().close();
  console.log(Object.keys(require.cache).join('\\n') + '---');
  await new TranscriptionClient().transcribe('https://example.com/a.wav').catch(() => undefined);
  console.log(Object.keys(require.cache).join('\\n'));
})();
`;
