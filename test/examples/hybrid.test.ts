import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const folder = fileURLToPath(new URL('../../examples/04-hybrid/', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

/** Settings of a machine, such as a key, must make no difference. */
const environment = { PATH: process.env.PATH ?? '', PORT: '0', EMULATOR_PORT: '0' };

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly recording: string;
  readonly output: string[];
}

async function startServer(): Promise<Running> {
  const child = spawn(process.execPath, [`${folder}server.mjs`], { env: environment });
  const output: string[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const started = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      output.push(line);
      if (line.startsWith('DEEPGRAM_API_KEY')) resolve();
    });
    child.once('close', () => reject(new Error(output.join('\n'))));
  });
  await started;
  const find = (pattern: RegExp): string => pattern.exec(output.join('\n'))?.[1] ?? '';
  return { child, output, url: find(/^Listening on (.*)$/m), recording: find(/^A recording is at (.*)$/m) };
}

async function stop({ child }: Running): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  await once(child, 'close');
  return child.exitCode;
}

describe('the hybrid example', { timeout: 60_000 }, () => {
  let server: Running;

  beforeAll(async () => {
    server = await startServer();
  }, 60_000);
  afterAll(async () => {
    await stop(server);
  });

  it('answers each command of its README as the README says', async () => {
    const calls = [
      ...(readme.split('## Call it')[1] ?? '').matchAll(/```sh\n(.*?)```(?:\n\n```\n(.*?)```)?/gs),
    ];
    expect(calls.length).toBeGreaterThan(15);
    const here = (text: string) =>
      text
        .replaceAll('http://127.0.0.1:3000', server.url)
        .replaceAll('ws://127.0.0.1:3000', server.url.replace('http', 'ws'))
        .replaceAll('http://127.0.0.1:8080/hello.wav', server.recording);
    const mark = '-- end of an answer --';
    const script = calls.map(([, command = '']) => `${here(command)}\necho; echo '${mark}'`).join('\n');
    const place = mkdtempSync(join(tmpdir(), 'hybrid-'));
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      cwd: place,
      maxBuffer: 10_000_000,
    });
    rmSync(place, { recursive: true });
    const answers = stdout.split(`${mark}\n`);
    for (const [index, [, command = '', shown = '']] of calls.entries()) {
      expect(answers[index]?.replaceAll('\r', '').trim(), command).toMatch(patternOf(here(shown.trim())));
    }
  });

  it('gives out a token that opens its bridge, once it is asked for', async () => {
    const answer = await fetch(`${server.url}/api/transcribe`, {
      method: 'POST',
      headers: { authorization: 'Bearer token-of-ada', 'content-type': 'application/json' },
      body: '{ "mode": "stream" }',
    });
    const { url, token } = (await answer.json()) as Record<string, string>;
    const socket = new WebSocket(`${url}?token=${token}`, 'transcription.v1');
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
    const stranger = new WebSocket(url ?? '', 'transcription.v1');
    const [, refusal] = await once(stranger, 'unexpected-response');
    expect(refusal.statusCode).toBe(401);
    stranger.on('error', () => undefined).terminate();
  });

  it('tells its metrics to Prometheus alone, and its health to everybody', async () => {
    const statusOf = async (path: string, token: string) =>
      (await fetch(server.url + path, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await statusOf('/metrics', 'token-of-ada')).toBe(403);
    expect(await statusOf('/metrics', 'no-token')).toBe(401);
    expect(await statusOf('/health', 'no-token')).toBe(200);
    expect(await statusOf('/transcribe', 'token-of-ada')).toBe(404);
  });

  it('ends in order on SIGTERM', async () => {
    expect(await stop(server)).toBe(0);
    expect(server.output.at(-1)).toBe('Closed');
  });
});

it.each(['PORT', 'EMULATOR_PORT'])('says so where %s is taken', async (name) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}server.mjs`], {
    env: { ...environment, [name]: String(port) },
    encoding: 'utf8',
  });
  other.close();
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: `Port ${port} is taken. Set ${name} to another one.\n`,
  });
});

it.each([
  [{ PORT: 'abc' }, 'Port abc does not exist. Set PORT to another one.'],
  [{ PORT: '70000' }, 'Port 70000 does not exist. Set PORT to another one.'],
  [{ EMULATOR_PORT: 'abc' }, 'Port abc does not exist. Set EMULATOR_PORT to another one.'],
  [{ HOST: '999.1.1.1' }, '999.1.1.1 is no address of this machine. Set HOST to one that is.'],
  [{ HOST: '203.0.113.5' }, '203.0.113.5 is no address of this machine. Set HOST to one that is.'],
])('says what is wrong with %j in a sentence', (wrong, sentence) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}server.mjs`], {
    env: { ...environment, ...wrong },
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: `${sentence}\n` });
});

it('calls nothing where its server cannot start', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}run.mjs`], {
    env: { ...environment, HOST: '203.0.113.5' },
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: '203.0.113.5 is no address of this machine. Set HOST to one that is.\n',
  });
});

it('calls all of its routes by itself', () => {
  expect(readme).toContain('\nnode examples/04-hybrid/run.mjs\n');
  const output = execFileSync(process.execPath, [`${folder}run.mjs`], { env: environment, encoding: 'utf8' });
  const openApi = output.trim().split('\n').at(-1)?.trim().split(' ') ?? [];
  expect(openApi.length).toBeGreaterThan(7);
  // Deepgram's own, which has nothing to bring here.
  for (const path of openApi.filter((name) => name !== '/callback')) {
    const called = new RegExp(`^\\w+ (/api)?${path.replaceAll(/\{\w+\}/g, '\\w+')}(\\.\\w+)?$`, 'm');
    expect(output, path).toMatch(called);
  }
  expect(output).toContain('sync, by the rule short-audio: Hello from the router.');
  expect(output).toContain('async, by the rule long-audio');
});

/** `…` stands for anything. */
function patternOf(shown: string): RegExp {
  const parts = shown.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`);
}
