import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { fromFile } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  type FaultServer,
  listenAnswer,
  type Reply,
  refusedUrl,
  startAnswering,
  startHttpServer,
} from '../support/fault-server.js';
import { outcomeOf, rawFailure, rawSdk } from './raw-sdk.js';

const { audio } = synthesizeSpeech('hello');
const GOOD: Reply = { status: 200, body: listenAnswer() };

let folder: string;
let wav: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sdk-faults-'));
  wav = join(folder, 'a.wav');
  await writeFile(wav, audio);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Headers and the beginning of a body, and then nothing more. */
function startStalling(): Promise<FaultServer> {
  return startHttpServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"metadata":');
    });
  });
}

describe('F1: a refused connection', () => {
  it('is not retried by the SDK', async () => {
    const startedAt = performance.now();
    await rawFailure(rawSdk(await refusedUrl(), { maxRetries: 3 }).listen.v1.media.transcribeFile(audio, {}));
    // Its shortest back-off is a second.
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  it('is retried by transcribe()', async () => {
    const url = await refusedUrl();
    const client = clientOf(url);
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end(JSON.stringify(listenAnswer())));
    });
    client.once('retry', () => server.listen(Number(new URL(url).port), '127.0.0.1'));
    expect((await client.transcribe(audio)).text).toBe('hello world');
    await client.close();
    server.close();
  });
});

describe('F2: a body that stalls', () => {
  it('hangs the SDK beyond its time-out', async () => {
    await using server = await startStalling();
    const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile(
      audio,
      {},
      { timeoutInSeconds: 0.1 },
    );
    expect(await outcomeOf(call, 700)).toBe('pending');
    call.catch(() => undefined);
  });

  it('ends transcribe() at its deadline', async () => {
    await using server = await startStalling();
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(audio, { timeoutMs: 100 }));
    expect(error).toMatchObject({ name: 'TimeoutError', ambiguous: true });
  });
});

describe('F3: an abort during the back-off', () => {
  const busy: Reply = { status: 503, headers: { 'retry-after': '1' } };

  it('is noticed by the SDK only when the back-off is over', async () => {
    await using server = await startAnswering(busy);
    const controller = new AbortController();
    const call = rawSdk(server.url, { maxRetries: 2 }).listen.v1.media.transcribeFile(
      audio,
      {},
      { abortSignal: controller.signal },
    );
    call.catch(() => undefined);
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort();
    expect(await outcomeOf(call, 300)).toBe('pending');
  });

  it('ends transcribe() at once', async () => {
    await using server = await startAnswering(busy);
    await using client = clientOf(server.url, { retry: { maxDelayMs: 20_000 } });
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(audio, { signal: controller.signal }));
    await new Promise((resolve) => client.once('retry', resolve));
    const startedAt = performance.now();
    controller.abort();
    expect(await failure).toMatchObject({ name: 'AbortedError' });
    expect(performance.now() - startedAt).toBeLessThan(150);
  });
});

describe('F4: a time-out and an abort', () => {
  it('are the same error class in the SDK', async () => {
    await using server = await startHttpServer(() => undefined);
    const { media } = rawSdk(server.url, { maxRetries: 0 }).listen.v1;
    const controller = new AbortController();
    const aborted = rawFailure(media.transcribeFile(audio, {}, { abortSignal: controller.signal }));
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort();
    const timedOut = rawFailure(media.transcribeFile(audio, {}, { timeoutInSeconds: 0.05 }));
    expect((await aborted).constructor.name).toBe((await timedOut).constructor.name);
  });

  it('are told apart by transcribe()', async () => {
    await using server = await startHttpServer(() => undefined);
    await using client = clientOf(server.url);
    const controller = new AbortController();
    const aborted = failureOf(client.transcribe(audio, { signal: controller.signal }));
    await expect.poll(() => server.requests.length).toBe(1);
    controller.abort();
    expect(await aborted).toMatchObject({ name: 'AbortedError', code: 'aborted' });
    const timedOut = failureOf(client.transcribe(audio, { timeoutMs: 50 }));
    expect(await timedOut).toMatchObject({ name: 'TimeoutError', code: 'timeout' });
  });
});

describe('F6: a stream that is answered with 503', () => {
  it('hides the 503 in the SDK', async () => {
    await using server = await startAnswering({ status: 503 });
    const call = rawSdk(server.url).listen.v1.media.transcribeFile(createReadStream(wav), {});
    const error = await rawFailure(call);
    expect(error.message).toMatch(/disturbed or locked/);
    expect(error).not.toHaveProperty('statusCode', 503);
  });

  it('is told by transcribe(), with what to do', async () => {
    await using server = await startAnswering({ status: 503 });
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(createReadStream(wav)));
    expect(error).toMatchObject({ name: 'ProviderError', status: 503 });
    expect(error.message).toMatch(/fromStream\(|fromFile\(/);
  });
});

describe('F8: a file name outside Latin-1', () => {
  it('is a TypeError in the SDK', async () => {
    await using server = await startAnswering(GOOD);
    const path = join(folder, '録音.wav');
    await writeFile(path, audio);
    const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile({ path }, {});
    await expect(call).rejects.toThrow(/ByteString|Latin|character/i);
  });

  it('does not matter to transcribe()', async () => {
    await using server = await startAnswering(GOOD);
    await using client = clientOf(server.url);
    expect((await client.transcribe(fromFile(join(folder, '録音.wav')))).text).toBe('hello world');
  });
});

describe('F9: a plain object with a path, as a request body may hold', () => {
  const body = () => JSON.parse(JSON.stringify({ path: wav })) as never;

  it('makes the SDK upload the file', async () => {
    await using server = await startAnswering(GOOD);
    await rawSdk(server.url).listen.v1.media.transcribeFile(body(), {});
    expect(server.requests[0]?.headers['content-length']).toBe(String(audio.byteLength));
  });

  it('is refused by transcribe()', async () => {
    await using server = await startAnswering(GOOD);
    await using client = clientOf(server.url);
    expect(await failureOf(client.transcribe(body()))).toMatchObject({ code: 'unsupported_source' });
    expect(server.requests).toEqual([]);
  });
});

describe('F10: a 200 that is no transcript', () => {
  const answers: [string, Reply][] = [
    ['HTML', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>sign in</html>' }],
    ['cut JSON', { status: 200, body: '{"metadata":{"request_id":"r"},"resul' }],
    ['null', { status: 200, body: 'null' }],
    ['nothing', { status: 200, body: '' }],
    ['an empty object', { status: 200, body: '{}' }],
  ];

  it.each(answers)('resolves in the SDK: %s', async (_name, reply) => {
    await using server = await startAnswering(reply);
    const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile(audio, {});
    expect(await outcomeOf(call)).toHaveProperty('value');
  });

  it.each(answers)('is an error of transcribe(): %s', async (_name, reply) => {
    await using server = await startAnswering(reply);
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe(audio));
    expect(error).toMatchObject({ name: 'ProviderError', code: 'invalid_response' });
    expect(server.requests).toHaveLength(1);
  });
});

describe('F11: the request id of a failed request', () => {
  const refused: Reply = {
    status: 400,
    body: { err_code: 'Bad Request', err_msg: 'no', request_id: 'req-9' },
  };

  it('is missing in the SDK', async () => {
    await using server = await startAnswering(refused);
    const error = await rawFailure(rawSdk(server.url).listen.v1.media.transcribeFile(audio, {}));
    expect((error as { requestId?: string }).requestId).toBeUndefined();
  });

  it('is on the error of transcribe()', async () => {
    await using server = await startAnswering(refused);
    await using client = clientOf(server.url);
    expect(await failureOf(client.transcribe(audio))).toMatchObject({ requestId: 'req-9' });
  });
});

describe('F14: an option in the wrong place', () => {
  it('travels to Deepgram in the body, with the SDK', async () => {
    let received = '';
    await using server = await startHttpServer((request, response) => {
      request.on('data', (chunk) => {
        received += chunk;
      });
      request.on('end', () => response.end(JSON.stringify(listenAnswer())));
    });
    const request = { url: 'https://example.com/a.wav', timeoutInSeconds: 5 };
    await rawSdk(server.url).listen.v1.media.transcribeUrl(request);
    expect(JSON.parse(received)).toEqual(request);
  });

  it('is refused by transcribe()', async () => {
    await using client = clientOf('http://127.0.0.1:9');
    const options = { timeoutInSeconds: 5 } as object;
    const error = await failureOf(client.transcribe('https://example.com/a.wav', options));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'unknown_option' });
  });
});

describe('F16: printing the client', () => {
  it('shows the key with the SDK', () => {
    const client = rawSdk('http://127.0.0.1:9');
    expect(inspect(client, { depth: 10 })).toContain('test-key');
  });

  it('shows no key with this library', async () => {
    await using client = clientOf('http://127.0.0.1:9');
    expect(inspect(client, { depth: 20, showHidden: true })).not.toContain('test-key');
    expect(JSON.stringify(client)).not.toContain('test-key');
  });
});
