import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { createMemoryStorage } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  listenAnswer,
  type Reply,
  startAnswering,
  startHttpServer,
  startTcpServer,
} from '../support/fault-server.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const ID = { 'dg-request-id': 'head-id' };

interface Alternative {
  transcript?: unknown;
  words?: unknown;
}

/** A good answer with one thing spoilt. */
function spoilt(spoil: (answer: Record<string, never>, alternative: Alternative) => void): object {
  const answer = structuredClone(listenAnswer()) as Record<string, never>;
  const results = answer.results as unknown as { channels: { alternatives: Alternative[] }[] };
  spoil(answer, results.channels[0]?.alternatives[0] as Alternative);
  return answer;
}

const set = (target: unknown, key: string, value: unknown): void => {
  (target as Record<string, unknown>)[key] = value;
};
/** JSON that no recursive reader survives. */
const nested = (inner: string): string => `${'['.repeat(100_000)}${inner}${']'.repeat(100_000)}`;
const word = (fields: object) => [{ word: 'a', start: 0, end: 1, confidence: 1, ...fields }];

const BROKEN: Record<string, Reply['body']> = {
  nothing: '',
  null: 'null',
  'an array': '[]',
  'an empty object': '{}',
  'a number': '5',
  'a page': '<html><body>Welcome</body></html>',
  'truncated JSON': JSON.stringify(listenAnswer()).slice(0, -20),
  'JSON in quotes': JSON.stringify(JSON.stringify(listenAnswer())),
  'bytes that are no UTF-8': Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  'gzip that is not declared': gzipSync(JSON.stringify(listenAnswer())),
  'two answers in one': `${JSON.stringify(listenAnswer())}${JSON.stringify(listenAnswer())}`,
  'nothing but a byte order mark': '\ufeff',
  '100,000 levels of arrays': nested(''),
  '100,000 levels in place of channels': JSON.stringify(
    spoilt((answer) => set(answer.results, 'channels', 'HERE')),
  ).replace('"HERE"', nested('1')),
  '100,000 levels in place of a word': JSON.stringify(
    spoilt((_, alternative) => set(alternative, 'words', ['HERE'])),
  ).replace('"HERE"', nested('1')),
  'a duration beyond numbers': JSON.stringify(listenAnswer()).replace('"duration":2', '"duration":1e400'),
  'a second, broken "results"': JSON.stringify(listenAnswer()).replace(/\}$/, ',"results":null}'),
  '50 MB of something else': `{"junk":"${'x'.repeat(50_000_000)}"}`,
  'no results': spoilt((answer) => set(answer, 'results', undefined)),
  'no channels': spoilt((answer) => set(answer.results, 'channels', undefined)),
  'empty channels': spoilt((answer) => set(answer.results, 'channels', [])),
  'channels that are no array': spoilt((answer) => set(answer.results, 'channels', {})),
  'a channel that is null': spoilt((answer) => set(answer.results, 'channels', [null])),
  'no alternatives': spoilt((answer) => set(answer.results, 'channels', [{}])),
  'empty alternatives': spoilt((answer) => set(answer.results, 'channels', [{ alternatives: [] }])),
  'a transcript that is a number': spoilt((_, alternative) => set(alternative, 'transcript', 5)),
  'no transcript': spoilt((_, alternative) => set(alternative, 'transcript', undefined)),
  'words that are no array': spoilt((_, alternative) => set(alternative, 'words', 'hello')),
  'a word that is a string': spoilt((_, alternative) => set(alternative, 'words', ['hello'])),
  'a time that is no number': spoilt((_, alternative) => set(alternative, 'words', word({ start: null }))),
  'a time that is a text': spoilt((_, alternative) => set(alternative, 'words', word({ start: '0' }))),
  'a time that is NaN as a text': spoilt((_, alternative) =>
    set(alternative, 'words', word({ start: 'NaN' })),
  ),
  'a time that is NaN as it cannot be in JSON': JSON.stringify(listenAnswer()).replace(
    '"end":0.5',
    '"end":NaN',
  ),
  'a missing end': spoilt((_, alternative) => set(alternative, 'words', word({ end: undefined }))),
  'a negative time': spoilt((_, alternative) => set(alternative, 'words', word({ start: -1 }))),
  'a negative end': spoilt((_, alternative) => set(alternative, 'words', word({ start: -2, end: -1 }))),
  'a confidence that is a text': spoilt((_, alternative) =>
    set(alternative, 'words', word({ confidence: 'high' })),
  ),
  'reversed times': spoilt((_, alternative) => set(alternative, 'words', word({ start: 2, end: 1 }))),
  'times beyond numbers': JSON.stringify(listenAnswer()).replace('"end":0.5', '"end":1e999'),
  'no metadata': spoilt((answer) => set(answer, 'metadata', undefined)),
  'no request id': spoilt((answer) => set(answer.metadata, 'request_id', undefined)),
  'a request id that is a number': spoilt((answer) => set(answer.metadata, 'request_id', 7)),
  'an empty request id': spoilt((answer) => set(answer.metadata, 'request_id', '')),
  'results that are an array': spoilt((answer) => set(answer, 'results', [])),
  'metadata that is an array': spoilt((answer) => set(answer, 'metadata', [])),
  'no duration': spoilt((answer) => set(answer.metadata, 'duration', undefined)),
  'utterances that are no array': spoilt((answer) => set(answer.results, 'utterances', {})),
  'the acknowledgement of a callback': { request_id: 'body-id' },
  '__proto__ in place of results': '{"__proto__":{"results":1},"metadata":{"request_id":"body-id"}}',
};

const gzip = { 'content-encoding': 'gzip' };

/** Where the head of the answer matters as well. */
const BROKEN_REPLIES: Record<string, Omit<Reply, 'status'>> = {
  'a page as HTML': { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' },
  'bad JSON as text': { headers: { 'content-type': 'text/plain' }, body: '{"results":' },
  'JSON without a type that is cut': {
    headers: { 'content-type': '' },
    body: '{"metadata":{"request_id":"x"',
  },
  'gzip that is none': { headers: gzip, body: listenAnswer() },
  'gzip that is cut': { headers: gzip, body: gzipSync(JSON.stringify(listenAnswer())).subarray(0, -12) },
  'gzip of a page': { headers: gzip, body: gzipSync('<html>Sign in</html>') },
  'gzip of nothing': { headers: gzip, body: '' },
  'gzip of more than any transcript': { headers: gzip, body: bomb() },
  'an encoding that nobody knows': {
    headers: { 'content-encoding': 'zstd' },
    body: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00]),
  },
};

/** 320 MB of zeros: members of one gzip file follow each other. */
function bomb(): Buffer {
  const member = gzipSync(Buffer.alloc(32_000_000));
  return Buffer.concat(Array.from({ length: 10 }, () => member));
}

const TABLE: [name: string, reply: Omit<Reply, 'status'>][] = [
  ...Object.entries(BROKEN).map(([name, body = '']): [string, Omit<Reply, 'status'>] => [name, { body }]),
  ...Object.entries(BROKEN_REPLIES),
];

describe('a 200 that is no transcript', () => {
  async function failureOn(reply: Omit<Reply, 'status'>) {
    await using server = await startAnswering({ status: 200, ...reply });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({
      name: 'ProviderError',
      code: 'invalid_response',
      status: 200,
      retryable: false,
      attempt: 1,
      region: 'here',
    });
    expect(server.requests).toHaveLength(1);
    expect(error.message).not.toMatch(/hello/);
    expect(error.message.length).toBeLessThan(300);
    return error;
  }

  it.each(TABLE)('%s', async (_name, { headers, body = '' }) => {
    const error = await failureOn({ headers: { ...ID, ...headers }, body });
    expect(error.requestId).toMatch(/^(head-id|body-id|req-1)$/);
  });

  it.each([
    [
      'results.channels[0].words[2].end is below 1',
      [...word({}), ...word({}), ...word({ start: 1, end: 0.5 })],
    ],
    ['results.channels[0].words[1] is null instead of an object', [...word({}), null]],
    ['results.channels[0].words[0].speaker is a string instead of a number', word({ speaker: 'x' })],
    ['results.channels[0].words is a number instead of an array', 7],
  ])('says which field is wrong: %s', async (said, words) => {
    const body = spoilt((_, alternative) => set(alternative, 'words', words));
    expect((await failureOn({ body })).message).toContain(said);
  });

  it('without a request id anywhere', async () => {
    for (const body of ['', 'null', '{}', '<html>', '{"request_id":5}', '{"metadata":{"request_id":""}}']) {
      expect((await failureOn({ body })).requestId).toBeUndefined();
    }
  });

  it.each([
    ['a 204', { status: 204 }],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }],
    ['a 201', { status: 201, body: listenAnswer() }],
  ] as [string, Reply][])('%s', async (_name, reply) => {
    await using server = await startAnswering({ ...reply, headers: { ...ID, ...reply.headers } });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ code: 'invalid_response', status: reply.status, requestId: 'head-id' });
    expect(server.requests).toHaveLength(1);
  });

  it('a body that ends early is ambiguous and keeps the request id', async () => {
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { ...ID, 'content-length': 1000 });
        response.write('{"metadata":', () => response.destroy());
      });
    });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ code: 'network', ambiguous: true, status: 200, requestId: 'head-id' });
    expect(server.requests).toHaveLength(1);
  });

  it('a peer that does not speak HTTP', async () => {
    await using server = await startTcpServer((socket) =>
      socket.on('data', () => socket.end('SSH-2.0-server\r\n')),
    );
    await using client = clientOf(server.url);
    expect(await failureOf(client.transcribe(AUDIO))).toMatchObject({ code: 'network', ambiguous: true });
  });

  it('an upgrade that nobody asked for', async () => {
    await using server = await startTcpServer((socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'),
      ),
    );
    await using client = clientOf(server.url);
    expect(await failureOf(client.transcribe(AUDIO))).toMatchObject({ code: 'network', ambiguous: true });
    expect(await failureOf(client.warmUp())).toMatchObject({ code: 'network' });
    await vi.waitFor(async () => expect(await server.connections()).toBe(0));
  });

  it('a chunked body that ends early', async () => {
    await using server = await startHttpServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, ID);
        response.write(JSON.stringify(listenAnswer()).slice(0, -1), () => response.destroy());
      });
    });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ code: 'network', ambiguous: true, status: 200, requestId: 'head-id' });
    expect(server.requests).toHaveLength(1);
  });

  it('a redirect is not followed, wherever it leads', async () => {
    await using page = await startAnswering({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>',
    });
    for (const status of [301, 302, 303, 307, 308]) {
      await using server = await startAnswering({ status, headers: { ...ID, location: page.url } });
      await using client = clientOf(server.url);
      const error = await failureOf(client.transcribe(AUDIO));
      expect(error).toMatchObject({ code: 'invalid_response', status, requestId: 'head-id' });
      expect(server.requests).toHaveLength(1);
    }
    expect(page.requests).toHaveLength(0);
  });

  it('asks for an answer without compression', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    await using client = clientOf(server.url);
    await client.transcribe(AUDIO);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });
});

describe('unusual answers that are transcripts', () => {
  const channel = (transcript: string) => ({ alternatives: [{ transcript, confidence: 0.5, words: [] }] });
  const metadata = { request_id: 'req-9', duration: 3.5, channels: 1 };

  async function transcribe(body: object | string | Uint8Array, headers: Record<string, string> = {}) {
    await using server = await startAnswering({ status: 200, body, headers });
    await using client = clientOf(server.url);
    return client.transcribe(AUDIO);
  }

  it('silence', async () => {
    const transcript = await transcribe({ metadata, results: { channels: [channel('')] } });
    expect(transcript).toMatchObject({ text: '', durationSeconds: 3.5, requestId: 'req-9', utterances: [] });
  });

  it('20 channels, the silent ones without a line', async () => {
    const channels = Array.from({ length: 20 }, (_, index) => channel(index % 2 ? `c${index}` : ''));
    const transcript = await transcribe({ metadata, results: { channels } });
    expect(transcript.channels).toHaveLength(20);
    expect(transcript.text.split('\n')).toHaveLength(10);
  });

  it('unknown fields, also in the wrong content type, stay in the response', async () => {
    const body = JSON.stringify({
      metadata,
      results: { channels: [channel('hi')], surprise: { a: 1 } },
      more: [1],
    });
    const transcript = await transcribe(`${body.slice(0, -1)},"__proto__":{"polluted":1}}`, {
      'content-type': 'text/plain',
    });
    expect(transcript.text).toBe('hi');
    expect(transcript.response).toMatchObject({ more: [1], results: { surprise: { a: 1 } } });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', Buffer.from],
  ] as [string, (text: string) => Uint8Array][])(
    '%s, though it was not asked for',
    async (encoding, encode) => {
      const body = encode(JSON.stringify({ metadata, results: { channels: [channel('hi')] } }));
      expect((await transcribe(body, { 'content-encoding': encoding })).text).toBe('hi');
    },
  );

  it('a compressed error says what is wrong', async () => {
    const body = gzipSync(
      JSON.stringify({ err_code: 'Bad Request', err_msg: 'no such model', request_id: 'r' }),
    );
    for (const reply of [body, Buffer.from('no gzip')]) {
      await using server = await startAnswering({
        status: 400,
        headers: { ...ID, 'content-encoding': 'gzip' },
        body: reply,
      });
      await using client = clientOf(server.url);
      const error = await failureOf(client.transcribe(AUDIO));
      expect(error).toMatchObject({ code: 'bad_request', requestId: reply === body ? 'r' : 'head-id' });
      expect(error.message.includes('no such model')).toBe(reply === body);
    }
  });

  it('a byte order mark, a field twice, and no confidence', async () => {
    const words = [{ word: 'hi', start: 0, end: 1 }];
    const body = JSON.stringify({
      metadata,
      results: { channels: [{ alternatives: [{ transcript: 'hi', words }] }] },
    });
    const transcript = await transcribe(`\ufeff{"results":null,${body.slice(1)}`);
    expect(transcript).toMatchObject({
      text: 'hi',
      channels: [{ confidence: 0, words: [{ word: 'hi', confidence: 0 }] }],
    });
  });

  it('no words at all', async () => {
    const transcript = await transcribe({
      metadata,
      results: { channels: [{ alternatives: [{ transcript: '' }] }] },
    });
    expect(transcript).toMatchObject({ text: '', channels: [{ text: '', words: [], confidence: 0 }] });
  });

  it('__proto__ at every level pollutes nothing', async () => {
    const polluted = '"__proto__":{"polluted":1,"toString":null}';
    const body = JSON.stringify({ metadata, results: { channels: [channel('hi')] } });
    const transcript = await transcribe(body.replaceAll('{"', `{${polluted},"`));
    const { response, channels } = transcript;
    for (const part of [transcript, response, response.results, response.metadata, channels[0]]) {
      expect(Object.getPrototypeOf(part)).toBe(Object.prototype);
      expect((part as unknown as Record<string, unknown>).polluted).toBeUndefined();
    }
  });

  it('an unknown field of 100,000 levels, which the storage may refuse', async () => {
    const storage = createMemoryStorage();
    const body = JSON.stringify({ metadata, results: { channels: [channel('hi')] }, deep: 'HERE' });
    await using server = await startAnswering({ status: 200, body: body.replace('"HERE"', nested('1')) });
    await using client = clientOf(server.url, { storage });
    const failures: unknown[] = [];
    client.on('storage-failure', (event) => failures.push(event));
    expect((await client.transcribe(AUDIO)).text).toBe('hi');
    const kept = await client.transcripts.list();
    expect(kept.items.length + failures.length).toBe(1);
  });

  it('50 MB', async () => {
    const body = JSON.stringify({ metadata, results: { channels: [channel('x'.repeat(50_000_000))] } });
    const before = process.memoryUsage().rss;
    const transcript = await transcribe(body);
    expect(transcript.text).toHaveLength(50_000_000);
    // The body, its text, the parsed answer, and as much again for the server in this process.
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(600);
  });

  it('a million words', async () => {
    const words = Array.from({ length: 1_000_000 }, (_, index) => ({
      word: 'w',
      start: index,
      end: index + 1,
    }));
    const startedAt = performance.now();
    const transcript = await transcribe({
      metadata,
      results: { channels: [{ alternatives: [{ transcript: 'w', words }] }] },
    });
    expect(transcript.channels[0]?.words).toHaveLength(1_000_000);
    expect(transcript.channels[0]?.words[999_999]).toEqual({
      word: 'w',
      start: 999_999,
      end: 1_000_000,
      confidence: 0,
    });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  it('everything that Deepgram can add', async () => {
    const words = [
      {
        word: 'hi',
        punctuated_word: 'Hi.',
        start: 0,
        end: 1,
        confidence: 0.9,
        speaker: 0,
        speaker_confidence: 0.8,
      },
      { word: 'oui', start: 1, end: 2, confidence: 0.7, speaker: 1, language: 'fr' },
    ];
    const sentences = [{ text: 'Hi.', start: 0, end: 1 }];
    const rich = {
      detected_language: 'en',
      alternatives: [
        {
          transcript: 'Hi. oui',
          confidence: 0.9,
          words,
          paragraphs: {
            transcript: '',
            paragraphs: [{ sentences, start: 0, end: 1, speaker: 0, num_words: 1 }],
          },
        },
        { transcript: 'second best' },
      ],
    };
    const utterances = [
      { start: 0, end: 2, confidence: 0.8, channel: 1, transcript: 'Hi. oui', words, speaker: 0, id: 'u' },
    ];
    const transcript = await transcribe({
      metadata,
      results: { channels: [rich, channel('other')], utterances },
    });
    expect(transcript).toMatchObject({
      text: 'Hi. oui\nother',
      language: 'en',
      mode: 'sync',
      model: 'nova-3',
      region: 'here',
      requestIds: ['req-9'],
      channels: [
        {
          detectedLanguage: 'en',
          words: [
            { word: 'hi', punctuatedWord: 'Hi.', speaker: 0, speakerConfidence: 0.8 },
            { word: 'oui', speaker: 1, language: 'fr' },
          ],
        },
        { text: 'other', words: [] },
      ],
      utterances: [{ channel: 1, text: 'Hi. oui', speaker: 0, words: [{}, {}] }],
      paragraphs: [{ channel: 0, speaker: 0, sentences }],
    });
    expect(JSON.parse(JSON.stringify(transcript))).toEqual(transcript);
  });
});
