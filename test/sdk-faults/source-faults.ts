import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { fromFile } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { expect } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, type Reply, startAnswering, startHttpServer } from '../support/fault-server.js';
import { rawFailure, rawSdk } from './raw-sdk.js';
import type { ScenariosById } from './run-faults.js';

const { audio } = synthesizeSpeech('hello');
const GOOD: Reply = { status: 200, body: listenAnswer() };

/** A WAV file of that name, in a folder of its own. */
async function writeWav(name = 'a.wav'): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sdk-faults-'));
  const path = join(folder, name);
  await writeFile(path, audio);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** What a parsed request body may be. */
function objectWith(path: string) {
  return JSON.parse(JSON.stringify({ path })) as never;
}

/** What is uploaded, what is sent with it, and what the client shows. */
export const SOURCE_FAULTS: ScenariosById = {
  F6: {
    sdk: {
      'hides the 503': async () => {
        await using wav = await writeWav();
        await using server = await startAnswering({ status: 503 });
        const call = rawSdk(server.url).listen.v1.media.transcribeFile(createReadStream(wav.path), {});
        const error = await rawFailure(call);
        expect(error.message).toMatch(/disturbed or locked/);
        expect(error).not.toHaveProperty('statusCode', 503);
      },
    },
    library: {
      'tells it, with what to do': async () => {
        await using wav = await writeWav();
        await using server = await startAnswering({ status: 503 });
        await using client = clientOf(server.url);
        const error = await failureOf(client.transcribe(createReadStream(wav.path)));
        expect(error).toMatchObject({ name: 'ProviderError', status: 503 });
        expect(error.message).toMatch(/fromStream\(|fromFile\(/);
      },
    },
  },
  F8: {
    sdk: {
      'fails with a TypeError': async () => {
        await using server = await startAnswering(GOOD);
        await using wav = await writeWav('録音.wav');
        const { path } = wav;
        const call = rawSdk(server.url, { maxRetries: 0 }).listen.v1.media.transcribeFile({ path }, {});
        await expect(call).rejects.toThrow(/ByteString|Latin|character/i);
      },
    },
    library: {
      'does not care': async () => {
        await using server = await startAnswering(GOOD);
        await using client = clientOf(server.url);
        await using wav = await writeWav('録音.wav');
        expect((await client.transcribe(fromFile(wav.path))).text).toBe('hello world');
      },
    },
  },
  F9: {
    sdk: {
      'uploads the file': async () => {
        await using wav = await writeWav();
        await using server = await startAnswering(GOOD);
        await rawSdk(server.url).listen.v1.media.transcribeFile(objectWith(wav.path), {});
        expect(server.requests[0]?.headers['content-length']).toBe(String(audio.byteLength));
      },
    },
    library: {
      'refuses it': async () => {
        await using server = await startAnswering(GOOD);
        await using client = clientOf(server.url);
        await using wav = await writeWav();
        const error = await failureOf(client.transcribe(objectWith(wav.path)));
        expect(error).toMatchObject({ code: 'unsupported_source' });
        expect(server.requests).toEqual([]);
      },
    },
  },
  F14: {
    sdk: {
      'sends it to Deepgram in the body': async () => {
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
      },
    },
    library: {
      'refuses it': async () => {
        await using client = clientOf('http://127.0.0.1:9');
        const options = { timeoutInSeconds: 5 } as object;
        const error = await failureOf(client.transcribe('https://example.com/a.wav', options));
        expect(error).toMatchObject({ name: 'BadRequestError', code: 'unknown_option' });
      },
    },
  },
  F16: {
    sdk: {
      'shows the key': async () => {
        const client = rawSdk('http://127.0.0.1:9');
        expect(inspect(client, { depth: 10 })).toContain('test-key');
      },
    },
    library: {
      'shows no key': async () => {
        await using client = clientOf('http://127.0.0.1:9');
        expect(inspect(client, { depth: 20, showHidden: true })).not.toContain('test-key');
        expect(JSON.stringify(client)).not.toContain('test-key');
      },
    },
  },
};
