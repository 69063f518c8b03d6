import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installTemporarily } from './temporary-package.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const place = `${process.platform}-${process.arch}`;

/** Packages that hold one binary. What installs them would look for it at run time. */
const BINARIES: Readonly<Record<string, { readonly bun: string; readonly deno: string }>> = {
  'linux-x64': { bun: '@oven/bun-linux-x64-baseline', deno: '@deno/linux-x64-glibc' },
  'linux-arm64': { bun: '@oven/bun-linux-aarch64', deno: '@deno/linux-arm64-glibc' },
  'darwin-x64': { bun: '@oven/bun-darwin-x64', deno: '@deno/darwin-x64' },
  'darwin-arm64': { bun: '@oven/bun-darwin-aarch64', deno: '@deno/darwin-arm64' },
};

const { bun = '', deno = '' } = BINARIES[place] ?? {};
if (bun === '') console.log(`Skipped: there is no Bun and no Deno for ${place}.`);

const runtimes = [
  { name: 'Bun', found: bun && (await installTemporarily(bun, '1.4.5')), command: ['bin/bun', 'run'] },
  {
    name: 'Deno',
    found: deno && (await installTemporarily(deno, '2.9.6')),
    command: ['deno', 'run', '-A', '--quiet'],
  },
];

let emulator: DeepgramEmulator;
let folder: string;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  folder = await bundleServer();
});

afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
  for (const { found } of runtimes) if (found) found.dispose();
});

/** The code of `src` as one file. Packages come from where they are installed, as they would for a user. */
async function bundleServer(): Promise<string> {
  const target = mkdtempSync(join(tmpdir(), 'runtime-'));
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'));
  writeFileSync(join(target, 'package.json'), JSON.stringify({ type: 'module' }));
  await build({
    entryPoints: [fileURLToPath(new URL('runtime-server.ts', import.meta.url))],
    outfile: join(target, 'server.js'),
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    plugins: [ownCode],
  });
  return target;
}

/** What tests import by the name of the package is bundled as well. */
const ownCode: Plugin = {
  name: 'own-code',
  setup({ onResolve }) {
    onResolve({ filter: /^transcription-client(\/http)?$/ }, ({ path }) => ({
      path: join(root, path.endsWith('/http') ? 'src/server/http/index.ts' : 'src/index.ts'),
    }));
  },
};

describe.each(runtimes)('the handlers on $name', ({ found, command: [binary = '', ...args] }) => {
  const test = it.skipIf(!found);
  let child: ChildProcess;
  let url: string;

  beforeAll(async () => {
    if (!found) return;
    const script = [join(folder, 'server.js'), emulator.url];
    child = spawn(join(found.path, binary), [...args, ...script], { cwd: folder });
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ended = once(child, 'close').then(() => {
      throw new Error(`It has ended: ${errors}`);
    });
    const [line] = await Promise.race([once(lines, 'line'), ended]);
    // Later it is ended on purpose.
    ended.catch(() => undefined);
    url = `http://127.0.0.1:${/^port (\d+)$/.exec(line as string)?.[1]}/api/speech`;
  }, 60_000);

  afterAll(async () => {
    if (child === undefined || child.exitCode !== null) return;
    child.kill();
    await once(child, 'close');
  });

  function ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(url + path, { ...init, headers: { authorization: 'Bearer ada', ...init.headers } });
  }

  function send(body: unknown): Promise<Response> {
    return ask('/transcribe', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  test('transcribe a URL at once', async () => {
    const answer = await send({
      audioUrl: emulator.serveAudio(synthesizeSpeech('by its address').audio),
      mode: 'sync',
    });
    expect(await answer.json()).toMatchObject({ mode: 'sync', transcript: { text: 'by its address' } });
  });

  test('transcribe the audio of a request, in parts as it comes', async () => {
    const { audio } = synthesizeSpeech('in many small parts');
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < audio.length; at += 10_000) controller.enqueue(audio.subarray(at, at + 10_000));
        controller.close();
      },
    });
    const headers = { 'content-type': 'audio/wav' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    const answer = await ask('/transcribe?mode=sync', init);
    expect(await answer.json()).toMatchObject({ transcript: { text: 'in many small parts' } });
  });

  test('tell of a job as it happens, and hand out its transcript to nobody else', async () => {
    const taken = await send({
      audioUrl: emulator.serveAudio(synthesizeSpeech('a job').audio),
      mode: 'async',
    });
    expect(taken.status).toBe(202);
    const { jobId } = (await taken.json()) as { jobId: string };
    const events = await ask(`/jobs/${jobId}/events`);
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(await events.text()).toContain('event: completed');
    const status = (await (await ask(`/jobs/${jobId}`)).json()) as { transcriptId: string };
    const transcript = await ask(`/transcripts/${status.transcriptId}.srt`);
    expect(await transcript.text()).toMatch(/^1\n00:00:00,\d+ --> .*\na job/);
    const headers = { 'if-none-match': transcript.headers.get('etag') ?? '' };
    expect((await ask(`/transcripts/${status.transcriptId}.srt`, { headers })).status).toBe(304);
    const strangers = { authorization: 'Bearer ben' };
    expect((await ask(`/jobs/${jobId}`, { headers: strangers })).status).toBe(404);
  });

  test('answer what is wrong with a request', async () => {
    const wrong = await send({ audioUrl: 'https://a.example/b.wav', options: { model: 7 } });
    expect([wrong.status, wrong.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect((await fetch(`${url}/jobs/job_1`)).status).toBe(401);
    expect((await ask('/nothing')).status).toBe(404);
    const large = await ask('/transcribe?mode=sync', {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: new Uint8Array(3_000_000),
    });
    expect(large.status).toBe(413);
    const head = await ask('/health', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});
