import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, createConsumer, type Finished } from '../support/consumer.js';
import { type FaultServer, listenAnswer, refusedUrl, startAnswering } from '../support/fault-server.js';

let consumer: Consumer;
let server: FaultServer;

beforeAll(async () => {
  consumer = createConsumer();
  server = await startAnswering({ status: 200, body: listenAnswer() });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  consumer.dispose();
});

const RAW = `
import { DeepgramClient } from '@deepgram/sdk';
const url = process.env.ENDPOINT;
const environment = { base: url, production: url, agent: url, agentRest: url };
`;

const OURS = `
import { createReadStream } from 'node:fs';
import { fromFile, TranscriptionClient } from 'transcription-client';
const regions = [{ name: 'here', endpoint: process.env.ENDPOINT }];
`;

async function run(
  program: string,
  environment: Record<string, string>,
): Promise<Finished & { tookMs: number }> {
  consumer.write('program.mjs', program);
  const startedAt = performance.now();
  const finished = await consumer.run('program.mjs', environment);
  return { ...finished, tookMs: performance.now() - startedAt };
}

describe('F5: the timer of a failed call', () => {
  it('keeps the process of the SDK alive', async () => {
    const program = `${RAW}
      const client = new DeepgramClient({ apiKey: 'k', environment, maxRetries: 0 });
      await client.listen.v1.media.transcribeFile(Buffer.from('x'), {}, { timeoutInSeconds: 4 }).catch(() => undefined);`;
    expect((await run(program, { ENDPOINT: await refusedUrl() })).tookMs).toBeGreaterThan(4000);
  });

  it('lets the process of this library end', async () => {
    const program = `${OURS}
      const client = new TranscriptionClient({ apiKey: 'k', regions, retry: { attempts: 1 }, timeoutMs: 60_000 });
      await client.transcribe(Buffer.from('x')).catch(() => undefined);`;
    expect((await run(program, { ENDPOINT: await refusedUrl() })).tookMs).toBeLessThan(4000);
  });
});

describe('F7: a missing file', () => {
  it('ends the process with the SDK', async () => {
    const program = `${RAW}
      const client = new DeepgramClient({ apiKey: 'k', environment, maxRetries: 0 });
      await client.listen.v1.media.transcribeFile({ path: './missing.wav' }, {}).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log('alive');`;
    const { exitCode, stdout } = await run(program, { ENDPOINT: server.url });
    expect(exitCode).not.toBe(0);
    expect(stdout).not.toContain('alive');
  });

  it.each(["fromFile('./missing.wav')", "createReadStream('./missing.wav')"])(
    'is an error here: %s',
    async (source) => {
      const program = `${OURS}
      const client = new TranscriptionClient({ apiKey: 'k', regions });
      await client.transcribe(${source}).catch((error) => console.log(error.name));
      await client.close();`;
      const { exitCode, stdout } = await run(program, { ENDPOINT: server.url });
      expect(stdout.trim()).toBe('UnsupportedSourceError');
      expect(exitCode).toBe(0);
    },
  );
});

describe('F15: DEEPGRAM_ACCESS_TOKEN alone', () => {
  const environment = () => ({ ENDPOINT: server.url, DEEPGRAM_ACCESS_TOKEN: 'short-lived' });

  it('is not enough for the SDK', async () => {
    const program = `${RAW}
      const client = new DeepgramClient({ environment, maxRetries: 0 });
      await client.listen.v1.media.transcribeFile(Buffer.from('x'), {});`;
    expect((await run(program, environment())).exitCode).not.toBe(0);
  });

  it('is enough here', async () => {
    const program = `${OURS}
      const client = new TranscriptionClient({ regions });
      console.log((await client.transcribe(Buffer.from('x'))).text);
      await client.close();`;
    expect((await run(program, environment())).stdout.trim()).toBe('hello world');
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer short-lived');
  });
});
