import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';

const MEGABYTE = 1024 * 1024;
const SIZE = 200 * MEGABYTE;
const BOUND = 48 * MEGABYTE;

let folder: string;

/** Modules of `src` as JavaScript, for a process without this test runner. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'encryption-memory-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  for (const part of ['adapters/encryption', 'audio', 'errors', 'internal', 'net', 'records']) {
    for (const path of ts.sys.readDirectory(join(src, part), ['.ts'])) {
      const target = join(folder, path.slice(src.length).replace(/\.ts$/, '.js'));
      const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, ts.transpileModule(readFileSync(path, 'utf8'), { compilerOptions }).outputText);
    }
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { encryptAudioStore } from './adapters/encryption/index.js';

const path = 'stored.bin';
const inner = {
  capabilities: { shared: false, durable: false },
  async put(audio) {
    const file = createWriteStream(path);
    await pipeline(audio, file);
    return { ref: 'aud_1', sizeBytes: file.bytesWritten };
  },
  async open() {
    const chunks = createReadStream(path);
    return { chunks, close: async () => void chunks.destroy() };
  },
  delete: async () => true,
};
const store = encryptAudioStore(inner, { current: 'k', keys: { k: new Uint8Array(32).fill(1) } });

async function* audio(size) {
  for (let left = size; left > 0; left -= 100_000) yield Buffer.alloc(Math.min(left, 100_000), 7);
}

async function pass(size) {
  const { ref, sizeBytes } = await store.put(audio(size));
  let read = 0;
  for await (const chunk of (await store.open(ref)).chunks) read += chunk.byteLength;
  return [sizeBytes, read];
}

await pass(5_000_000);
const start = process.memoryUsage.rss();
let peak = start;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const sizes = await pass(${SIZE});
clearInterval(sampler);
process.stdout.write(JSON.stringify({ sizes, growth: peak - start }));
`;

it('encrypts and decrypts 200 MB of audio in less than 48 MB', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  const child = spawn(process.execPath, ['program.js'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  const { sizes, growth } = JSON.parse(output) as { sizes: number[]; growth: number };
  console.log(`grew by ${(growth / MEGABYTE).toFixed(1)} MB`);
  expect(sizes).toEqual([SIZE, SIZE]);
  expect(growth).toBeLessThan(BOUND);
});
