import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import {
  bytes,
  chunksOf,
  failureOf,
  readRef,
  sameBytes,
} from '../../src/testing/contract/audio-store-samples.js';
import { buildProgram, type ChildProgram } from './files-child.js';

const base = mkdtempSync(join(tmpdir(), 'transcription-client-disk-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

/** A file system of its own in memory; undefined where this process may not mount one. */
function mountTmpfs(
  options: string,
): { path: string; remount(options: string): void; unmount(): void } | undefined {
  const path = join(base, `mount-${options.replaceAll(/\W/g, '-')}`);
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    console.log(`Left out: no tmpfs can be mounted here (${String((error as Error).message).trim()}).`);
    return undefined;
  }
  return {
    path,
    remount: (change) => void execFileSync('mount', ['-o', `remount,${change}`, path], { stdio: 'pipe' }),
    unmount: () => void execFileSync('umount', [path], { stdio: 'pipe' }),
  };
}

describe('a full disk', () => {
  it.each([
    ['has no room', 'size=1m,mode=0755'],
    ['has no room for one more file', 'nr_inodes=4,mode=0755'],
  ])('that %s refuses the put with storage_full, and nothing is left', async (_what, options) => {
    const disk = mountTmpfs(options);
    if (disk === undefined) return;
    try {
      const directory = join(disk.path, 'audio');
      const store = createFileAudioStore({ directory });
      const { ref } = await store.put(chunksOf(bytes(100_000)));
      const full = { name: 'StorageError', code: 'storage_full', retryable: true };
      if (options.startsWith('size')) {
        await expect(store.put(chunksOf(bytes(700_000), bytes(700_000)))).rejects.toMatchObject(full);
        writeFileSync(join(disk.path, 'other'), bytes(800_000));
      } else {
        writeFileSync(join(disk.path, 'other'), '');
      }
      const error = await failureOf(store.put(chunksOf(bytes(500_000))));
      expect(error).toMatchObject(full);
      expect(readdirSync(directory)).toEqual([ref]);
      sameBytes(await readRef(store, ref), bytes(100_000));
      rmSync(join(disk.path, 'other'));
      await store.health?.();
      await store.put(chunksOf(bytes(500_000)));
    } finally {
      disk.unmount();
    }
  });
});

describe('a disk that is read only', () => {
  it('refuses what would write with storage_read_only, and is read', async () => {
    const disk = mountTmpfs('size=2m,mode=0755');
    if (disk === undefined) return;
    try {
      const store = createFileAudioStore({ directory: join(disk.path, 'audio') });
      const { ref } = await store.put(chunksOf(bytes(100_000)));
      disk.remount('ro');
      const refusal = { name: 'StorageError', code: 'storage_read_only', retryable: false };
      await expect(store.put(chunksOf(bytes(10)))).rejects.toMatchObject(refusal);
      await expect(store.delete(ref)).rejects.toMatchObject(refusal);
      await expect(store.purge?.({ createdBefore: '2999-01-01T00:00:00.000Z' })).rejects.toMatchObject(
        refusal,
      );
      await expect(store.health?.()).rejects.toMatchObject(refusal);
      const elsewhere = createFileAudioStore({ directory: join(disk.path, 'new') });
      await expect(elsewhere.put(chunksOf(bytes(10)))).rejects.toMatchObject(refusal);
      sameBytes(await readRef(store, ref), bytes(100_000));
    } finally {
      disk.unmount();
    }
  });
});

/** Tells how each call ends, and then opens the audio again and again. */
const CALLER = `
import { readdirSync } from 'node:fs';
import { createFileAudioStore } from '@/src/adapters/files/index.js';
import { bytes, chunksOf } from '@/src/testing/contract/audio-store-samples.js';

const store = createFileAudioStore({ directory: process.argv[2] });
const told = async (doing) => {
  try {
    return (await doing) === undefined ? 'undefined' : 'a value';
  } catch ({ name, code, retryable }) {
    return [name, code, retryable].join(' ');
  }
};
const ends = { put: await told(store.put(chunksOf(bytes(100)))), health: await told(store.health()) };
if (process.argv[3] === 'open') {
  const { ref } = await store.put(chunksOf(bytes(100)));
  const opened = [];
  ends.open = 'a value';
  while (ends.open === 'a value' && opened.length < 1000) {
    ends.open = await told(store.open(ref).then((audio) => opened.push(audio)));
  }
  ends.put = await told(store.put(chunksOf(bytes(100))));
  for (const audio of opened) await audio.close();
  ends.later = await told(store.health());
  ends.left = readdirSync(process.argv[2]).length;
}
process.stdout.write(JSON.stringify(ends));
`;

/**
 * Puts and reads so many MiB, and tells by how many bytes the process grew meanwhile. What it holds is weighed, not
 * when the engine looks for garbage.
 */
const WEIGHED = `
import { createFileAudioStore } from '@/src/adapters/files/index.js';

const store = createFileAudioStore({ directory: process.argv[2] });
let peak = 0;
let went = 0;
function weigh(bytes) {
  const before = went;
  went += bytes;
  if (Math.floor(before / 4_194_304) === Math.floor(went / 4_194_304)) return;
  peak = Math.max(peak, process.memoryUsage.rss());
  globalThis.gc();
}
const chunk = Buffer.alloc(65_536);
async function* audio(mebibytes) {
  for (let count = 0; count < mebibytes * 16; count++) {
    weigh(65_536);
    yield chunk.fill(count);
  }
}
async function cycle(mebibytes) {
  const { ref, sizeBytes } = await store.put(audio(mebibytes));
  let read = 0;
  for await (const chunk of (await store.open(ref)).chunks) {
    weigh(chunk.byteLength);
    read += chunk.byteLength;
  }
  if (read !== sizeBytes || read !== mebibytes * 1024 * 1024) throw new Error('not whole');
  await store.delete(ref);
}
await cycle(4);
peak = 0;
const before = process.memoryUsage.rss();
await cycle(Number(process.argv[3]));
process.stdout.write(String(peak - before));
`;

describe('a process of its own', () => {
  let caller: ChildProgram;
  let weighed: ChildProgram;
  beforeAll(async () => {
    [caller, weighed] = await Promise.all([buildProgram(CALLER), buildProgram(WEIGHED)]);
  });
  afterAll(() => {
    caller.dispose();
    weighed.dispose();
  });

  it('that has too many files open can try again later, and leaves nothing', async () => {
    const directory = join(base, 'too-many');
    const text = await caller.run([directory, 'open'], 'ulimit -n 60; exec "$0" "$@"');
    expect(JSON.parse(text)).toEqual({
      put: 'StorageError storage_unavailable true',
      open: 'StorageError storage_unavailable true',
      health: 'undefined',
      later: 'undefined',
      left: 2,
    });
  });

  it('without the right to write there is told so', async () => {
    if (!isRoot) {
      console.log('Left out: only root can start a process of another user.');
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), 'transcription-client-denied-'));
    chmodSync(folder, 0o755);
    try {
      const text = await caller.run([join(folder, 'audio')], 'exec "$0" "$@"', 1234);
      const refusal = 'StorageError storage_read_only false';
      expect(JSON.parse(text)).toEqual({ put: refusal, health: refusal });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('grows by less than 48 MB where 200 MiB go through it', { timeout: 60_000 }, async () => {
    const grown = Number(await weighed.run([join(base, 'weighed'), '200'], 'exec "$0" --expose-gc "$@"'));
    console.log(`It grew by ${(grown / 1e6).toFixed(1)} MB.`);
    expect(grown).toBeLessThan(48_000_000);
  });
});
