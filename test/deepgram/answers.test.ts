import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
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
  'gzip that nobody asked for': gzipSync(JSON.stringify(listenAnswer())),
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
  'a negative time': spoilt((_, alternative) => set(alternative, 'words', word({ start: -1 }))),
  'reversed times': spoilt((_, alternative) => set(alternative, 'words', word({ start: 2, end: 1 }))),
  'times beyond numbers': JSON.stringify(listenAnswer()).replace('"end":0.5', '"end":1e999'),
  'no metadata': spoilt((answer) => set(answer, 'metadata', undefined)),
  'no request id': spoilt((answer) => set(answer.metadata, 'request_id', undefined)),
  'no duration': spoilt((answer) => set(answer.metadata, 'duration', undefined)),
  'utterances that are no array': spoilt((answer) => set(answer.results, 'utterances', {})),
  'the acknowledgement of a callback': { request_id: 'body-id' },
  '__proto__ in place of results': '{"__proto__":{"results":1},"metadata":{"request_id":"body-id"}}',
};

describe('a 200 that is no transcript', () => {
  it.each(Object.keys(BROKEN))('%s', async (name) => {
    await using server = await startAnswering({ status: 200, headers: ID, body: BROKEN[name] ?? '' });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({
      name: 'ProviderError',
      code: 'invalid_response',
      status: 200,
      retryable: false,
    });
    expect(error.requestId).toMatch(/^(head-id|body-id|req-1)$/);
    expect(server.requests).toHaveLength(1);
    expect(error.message).not.toMatch(/hello/);
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

  async function transcribe(body: object | string, headers: Record<string, string> = {}) {
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
