import { afterAll, beforeAll, expect } from 'vitest';
import { type Consumer, createConsumer, type Finished } from '../support/consumer.js';
import { type FaultServer, listenAnswer, refusedUrl, startAnswering } from '../support/fault-server.js';
import type { ScenariosById } from './run-faults.js';

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

/** Prints by how much the process grew, at most, while 200 MB went out from a stream. */
const MEASURE = `
import { Readable } from 'node:stream';
async function* megabytes() {
  for (let sent = 0; sent < 200; sent += 1) yield Buffer.alloc(1024 * 1024);
}
async function measure(upload) {
  await upload(Buffer.from('x'));
  const before = process.memoryUsage.rss();
  await upload(Readable.from(megabytes()));
  const grewBy = process.resourceUsage().maxRSS * 1024 - before;
  console.log(Math.round(grewBy / 1024 / 1024));
}
`;

/** Faults that only a process of their own can show. Programs use the library as it was built. */
export function processFaults(): ScenariosById {
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

  async function run(
    program: string,
    environment: Record<string, string> = { ENDPOINT: server.url },
  ): Promise<Finished & { tookMs: number }> {
    consumer.write('program.mjs', program);
    const startedAt = performance.now();
    const finished = await consumer.run('program.mjs', environment);
    return { ...finished, tookMs: performance.now() - startedAt };
  }

  async function grownMegabytes(program: string): Promise<number> {
    const { stdout, stderr } = await run(program);
    expect(stdout, stderr).toMatch(/^\d+\n$/);
    return Number(stdout);
  }

  async function expectMissingFile(source: string): Promise<void> {
    const { exitCode, stdout } = await run(`${OURS}
      const client = new TranscriptionClient({ apiKey: 'k', regions });
      await client.transcribe(${source}).catch((error) => console.log(error.name));
      await client.close();`);
    expect(stdout.trim()).toBe('UnsupportedSourceError');
    expect(exitCode).toBe(0);
  }

  const withToken = () => ({ ENDPOINT: server.url, DEEPGRAM_ACCESS_TOKEN: 'short-lived' });

  return {
    F5: {
      sdk: {
        'keeps the process alive': async () => {
          const program = `${RAW}
            const client = new DeepgramClient({ apiKey: 'k', environment, maxRetries: 0 });
            await client.listen.v1.media.transcribeFile(Buffer.from('x'), {}, { timeoutInSeconds: 4 }).catch(() => undefined);`;
          expect((await run(program, { ENDPOINT: await refusedUrl() })).tookMs).toBeGreaterThan(4000);
        },
      },
      library: {
        'lets the process end': async () => {
          const program = `${OURS}
            const client = new TranscriptionClient({ apiKey: 'k', regions, retry: { attempts: 1 }, timeoutMs: 60_000 });
            await client.transcribe(Buffer.from('x')).catch(() => undefined);`;
          expect((await run(program, { ENDPOINT: await refusedUrl() })).tookMs).toBeLessThan(4000);
        },
      },
    },
    F7: {
      sdk: {
        'ends the process': async () => {
          const { exitCode, stdout } = await run(`${RAW}
            const client = new DeepgramClient({ apiKey: 'k', environment, maxRetries: 0 });
            await client.listen.v1.media.transcribeFile({ path: './missing.wav' }, {}).catch(() => undefined);
            await new Promise((resolve) => setTimeout(resolve, 200));
            console.log('alive');`);
          expect(exitCode).not.toBe(0);
          expect(stdout).not.toContain('alive');
        },
      },
      library: {
        'gives an error for a file': () => expectMissingFile("fromFile('./missing.wav')"),
        'gives an error for a stream of it': () => expectMissingFile("createReadStream('./missing.wav')"),
      },
    },
    F13: {
      sdk: {
        'has all of it in memory': async () => {
          const program = `${RAW}${MEASURE}
            const client = new DeepgramClient({ apiKey: 'k', environment });
            await measure((audio) => client.listen.v1.media.transcribeFile(audio, {}));`;
          expect(await grownMegabytes(program)).toBeGreaterThan(150);
        },
      },
      library: {
        'has little of it in memory': async () => {
          const program = `${OURS}${MEASURE}
            const client = new TranscriptionClient({ apiKey: 'k', regions });
            await measure((audio) => client.transcribe(audio));
            await client.close();`;
          expect(await grownMegabytes(program)).toBeLessThan(80);
        },
      },
    },
    F15: {
      sdk: {
        'does not find it': async () => {
          const program = `${RAW}
            const client = new DeepgramClient({ environment, maxRetries: 0 });
            await client.listen.v1.media.transcribeFile(Buffer.from('x'), {});`;
          expect((await run(program, withToken())).exitCode).not.toBe(0);
        },
      },
      library: {
        'takes it': async () => {
          const program = `${OURS}
            const client = new TranscriptionClient({ regions });
            console.log((await client.transcribe(Buffer.from('x'))).text);
            await client.close();`;
          expect((await run(program, withToken())).stdout.trim()).toBe('hello world');
          expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer short-lived');
        },
      },
    },
  };
}
