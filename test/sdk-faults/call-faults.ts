import { createServer } from 'node:http';
import { synthesizeSpeech } from 'transcription-client/testing';
import { expect } from 'vitest';
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
import type { FaultScenarios, ScenariosById } from './run-faults.js';
import { showSlowAnswer, withHeadersTimeout } from './slow-answer.scenario.js';

const { audio } = synthesizeSpeech('hello');

const BUSY: Reply = { status: 503, headers: { 'retry-after': '1' } };

const REFUSED: Reply = {
  status: 400,
  body: { err_code: 'Bad Request', err_msg: 'no', request_id: 'req-9' },
};

/** Answers with the status 200 that are no transcript. */
const NO_TRANSCRIPTS: Readonly<Record<string, Reply | readonly Reply[]>> = {
  HTML: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>sign in</html>' },
  'cut JSON': { status: 200, body: '{"metadata":{"request_id":"r"},"resul' },
  null: { status: 200, body: 'null' },
  nothing: { status: 200, body: '' },
  'an empty object': { status: 200, body: '{}' },
  'a redirect': [
    { status: 302, headers: { location: '/elsewhere' } },
    { status: 200, body: '{}' },
  ],
};

function forEachAnswer(
  name: string,
  run: (...replies: readonly Reply[]) => Promise<void>,
): FaultScenarios['sdk'] {
  const answers = Object.entries(NO_TRANSCRIPTS);
  return Object.fromEntries(
    answers.map(([answer, replies]) => [`${name} ${answer}`, () => run(...[replies].flat())]),
  );
}

/** Headers and the beginning of a body, and then nothing more. */
function startStalling(): Promise<FaultServer> {
  return startHttpServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"metadata":');
    });
  });
}

/** Connections, times and answers. */
export const CALL_FAULTS: ScenariosById = {
  F1: {
    sdk: {
      'fails at the first attempt': async () => {
        const startedAt = performance.now();
        await rawFailure(
          rawSdk(await refusedUrl(), { maxRetries: 3 }).listen.v1.media.transcribeFile(audio, {}),
        );
        // Its shortest back-off is a second.
        expect(performance.now() - startedAt).toBeLessThan(900);
      },
    },
    library: {
      retries: async () => {
        const url = await refusedUrl();
        const client = clientOf(url);
        const server = createServer((request, response) => {
          request.resume().on('end', () => response.end(JSON.stringify(listenAnswer())));
        });
        client.once('retry', () => server.listen(Number(new URL(url).port), '127.0.0.1'));
        expect((await client.transcribe(audio)).text).toBe('hello world');
        await client.close();
        server.close();
      },
    },
  },
  F2: {
    sdk: {
      'waits beyond its time-out': async () => {
        await using server = await startStalling();
        const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile(
          audio,
          {},
          { timeoutInSeconds: 0.1 },
        );
        expect(await outcomeOf(call, 700)).toBe('pending');
        call.catch(() => undefined);
      },
    },
    library: {
      'ends at the deadline': async () => {
        await using server = await startStalling();
        await using client = clientOf(server.url);
        const error = await failureOf(client.transcribe(audio, { timeoutMs: 100 }));
        expect(error).toMatchObject({ name: 'TimeoutError', ambiguous: true });
      },
    },
  },
  F3: {
    sdk: {
      'notices it when the back-off is over': async () => {
        await using server = await startAnswering(BUSY);
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
      },
    },
    library: {
      'ends at once': async () => {
        await using server = await startAnswering(BUSY);
        await using client = clientOf(server.url, { retry: { maxDelayMs: 20_000 } });
        const controller = new AbortController();
        const failure = failureOf(client.transcribe(audio, { signal: controller.signal }));
        await new Promise((resolve) => client.once('retry', resolve));
        const startedAt = performance.now();
        controller.abort();
        expect(await failure).toMatchObject({ name: 'AbortedError' });
        // The back-off is a second.
        expect(performance.now() - startedAt).toBeLessThan(600);
      },
    },
  },
  F4: {
    sdk: {
      'gives the same error class': async () => {
        await using server = await startHttpServer(() => undefined);
        const { media } = rawSdk(server.url, { maxRetries: 0 }).listen.v1;
        const controller = new AbortController();
        const aborted = rawFailure(media.transcribeFile(audio, {}, { abortSignal: controller.signal }));
        await expect.poll(() => server.requests.length).toBe(1);
        controller.abort();
        const timedOut = rawFailure(media.transcribeFile(audio, {}, { timeoutInSeconds: 0.05 }));
        expect((await aborted).constructor.name).toBe((await timedOut).constructor.name);
      },
    },
    library: {
      'tells them apart': async () => {
        await using server = await startHttpServer(() => undefined);
        await using client = clientOf(server.url);
        const controller = new AbortController();
        const aborted = failureOf(client.transcribe(audio, { signal: controller.signal }));
        await expect.poll(() => server.requests.length).toBe(1);
        controller.abort();
        expect(await aborted).toMatchObject({ name: 'AbortedError', code: 'aborted' });
        const timedOut = failureOf(client.transcribe(audio, { timeoutMs: 50 }));
        expect(await timedOut).toMatchObject({ name: 'TimeoutError', code: 'timeout' });
      },
    },
  },
  F10: {
    sdk: forEachAnswer('resolves with', async (...replies) => {
      await using server = await startAnswering(...replies);
      const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile(audio, {});
      expect(await outcomeOf(call)).toHaveProperty('value');
    }),
    library: forEachAnswer('refuses', async (...replies) => {
      await using server = await startAnswering(...replies);
      await using client = clientOf(server.url);
      const error = await failureOf(client.transcribe(audio));
      expect(error).toMatchObject({ name: 'ProviderError', code: 'invalid_response' });
      expect(server.requests).toHaveLength(1);
    }),
  },
  F11: {
    sdk: {
      'does not tell it': async () => {
        await using server = await startAnswering(REFUSED);
        const error = await rawFailure(rawSdk(server.url).listen.v1.media.transcribeFile(audio, {}));
        expect((error as { requestId?: string }).requestId).toBeUndefined();
      },
    },
    library: {
      'has it on the error': async () => {
        await using server = await startAnswering(REFUSED);
        await using client = clientOf(server.url);
        expect(await failureOf(client.transcribe(audio))).toMatchObject({ requestId: 'req-9' });
      },
    },
  },
  F12: {
    sdk: {
      "is ended by the limit that Node's fetch has for headers": async () => {
        const { sdk } = await withHeadersTimeout(500, () => showSlowAnswer({ delayMs: 3000 }));
        const limit = { code: 'UND_ERR_HEADERS_TIMEOUT' };
        expect(sdk).toMatchObject({ error: { cause: { cause: limit } } });
      },
    },
    library: {
      'knows no such limit': async () => {
        const { library } = await withHeadersTimeout(500, () => showSlowAnswer({ delayMs: 3000 }));
        expect(library).toEqual({ value: 'hello world' });
      },
    },
  },
};
