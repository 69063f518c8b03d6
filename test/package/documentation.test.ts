import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, createConsumer } from '../support/consumer.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.mjs';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';
import { CREDENTIALS, type S3Server, startS3Server } from '../support/s3-server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = [
  'README.md',
  'docs/guide.md',
  'docs/http.md',
  'docs/queue.md',
  'docs/router.md',
  'docs/storage.md',
  'docs/streaming.md',
  'docs/sync.md',
  'docs/testing.md',
  'docs/websocket.md',
];

const programs = PAGES.flatMap((page) =>
  [...readFileSync(root + page, 'utf8').matchAll(/```js\n(.*?)```/gs)].map((match, index) => ({
    name: `${page}, program ${index + 1}`,
    code: match[1] ?? '',
  })),
);

/**
 * The library as it is, but Deepgram is the emulator: programs that name no endpoint on this machine go
 * there, and so does the URL of the recording that the pages use.
 */
const STAND_IN = `
import * as library from 'transcription-client';
export * from 'transcription-client';
const isLocal = (regions) => regions?.some(({ endpoint }) => endpoint.includes('127.0.0.1'));
const isRecording = (source) => String(source).startsWith('https://dpgr.am/');
const here = (source) => (isRecording(source) ? process.env.RECORDING_URL : source);
export class TranscriptionClient extends library.TranscriptionClient {
  constructor(options = {}) {
    const regions = [{ name: 'eu', endpoint: process.env.EMULATOR_URL }];
    super(isLocal(options.regions) ? options : { apiKey: 'test', ...options, regions });
  }
  transcribe(source, options) {
    return super.transcribe(here(source), options);
  }
  submit(source, options) {
    return super.submit(here(source), options);
  }
  enqueue(source, options) {
    return super.enqueue(here(source), options);
  }
  enqueueMany(items) {
    return super.enqueueMany(items.map((item) => ({ ...item, source: here(item.source) })));
  }
}
`;

let consumer: Consumer;
let emulator: DeepgramEmulator;
let recordingUrl: string;
let postgres: PostgresServer;
let redis: RedisServer;
let s3: S3Server;
/** What the programs of the pages are told by their environment. */
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  consumer = createConsumer();
  emulator = await startDeepgramEmulator();
  const { audio } = synthesizeSpeech('one small step');
  recordingUrl = emulator.serveAudio(audio, { contentType: 'audio/wav' });
  postgres = await startPostgres();
  redis = await startRedis({ appendonly: 'yes' });
  s3 = await startS3Server();
  environment = {
    EMULATOR_URL: emulator.url,
    RECORDING_URL: recordingUrl,
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    S3_ENDPOINT: s3.url,
    S3_BUCKET: s3.bucket,
    S3_ACCESS_KEY: CREDENTIALS.accessKeyId,
    S3_SECRET_KEY: CREDENTIALS.secretAccessKey,
  };
  consumer.write('stand-in.mjs', STAND_IN);
  consumer.write('call.wav', audio);
  consumer.write('meeting.wav', audio);
}, 60_000);

afterAll(async () => {
  await Promise.all([emulator.close(), postgres.close(), redis.close(), s3.close()]);
  consumer.dispose();
});

describe('every program of the documentation runs as it is written', () => {
  it('and there are some', () => expect(programs.length).toBeGreaterThan(9));

  it.each(programs)('$name', async ({ name, code }) => {
    // msw answers in the place of Deepgram itself, so that program needs no emulator.
    const isMocked = code.includes("from 'msw'");
    const program = isMocked ? code : code.replaceAll("from 'transcription-client'", "from './stand-in.mjs'");
    const file = `${name.replaceAll(/\W+/g, '-')}.mjs`;
    consumer.write(file, program);
    const finished = await consumer.run(file, environment);
    expect(finished.exitCode, `${finished.stderr}${finished.stdout}`.slice(-3000)).toBe(0);
    for (const [, expected = ''] of code.matchAll(/\/\/ → (.*)$/gm))
      expect(finished.stdout).toContain(expected);
  });

  it('the README shows one within its first 20 lines', () => {
    const head = readFileSync(`${root}README.md`, 'utf8').split('\n').slice(0, 20).join('\n');
    expect(head).toMatch(/```js\n.*new TranscriptionClient\(.*```/s);
  });
});

describe('links of the documentation', () => {
  it.each([
    ...PAGES,
    'docs/architecture.md',
    'docs/browser.md',
    'examples/README.md',
    'examples/01-sync-api/README.md',
    'examples/02-queue/README.md',
    'examples/03-live-captions/README.md',
    'examples/04-hybrid/README.md',
    'examples/05-nextjs/README.md',
    'examples/bull-board/README.md',
    'examples/storage/README.md',
  ])('of %s lead somewhere', (page) => {
    const text = readFileSync(root + page, 'utf8');
    const folder = new URL('.', `file://${root}${page}`);
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const linked = path === '' ? text : readFileSync(new URL(path ?? '', folder), 'utf8');
      if (anchor !== undefined) expect(anchorsOf(linked), target).toContain(anchor);
    }
  });
});

function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
}
