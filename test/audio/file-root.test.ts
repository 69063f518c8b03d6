import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromFile, UnsupportedSourceError } from 'transcription-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWithin } from '../../src/audio/open-within.js';
import { resolveSource } from '../../src/audio/resolve.js';
import type { UploadAudio } from '../../src/contracts/index.js';
import { failureOf } from '../support/client.js';

const INSIDE = 'inside';
const OUTSIDE = 'OUTSIDE';
let folder: string;
let root: string;
let socket: Server;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'file-root-')));
  root = join(folder, 'root');
  await mkdir(join(root, 'sub', 'deep'), { recursive: true });
  await mkdir(join(folder, 'outside', 'deep'), { recursive: true });
  for (const path of ['a.wav', '..a.wav', 'sub/a.wav', 'sub/deep/a.wav'])
    await writeFile(join(root, path), INSIDE);
  for (const path of ['a.wav', 'deep/a.wav']) await writeFile(join(folder, 'outside', path), OUTSIDE);
  await writeFile(join(folder, 'a.wav'), OUTSIDE);
  await mkdir(join(folder, 'root2'));
  await writeFile(join(folder, 'root2', 'a.wav'), OUTSIDE);
  const links: Record<string, string> = {
    'to-inside.wav': 'sub/a.wav',
    'to-outside.wav': '../outside/a.wav',
    'to-outside-absolute.wav': join(folder, 'outside', 'a.wav'),
    'to-link.wav': 'to-outside.wav',
    dangling: '../nowhere',
    'dangling.wav': 'nowhere.wav',
    'circle.wav': 'circle.wav',
    'folder-inside': 'sub',
    'folder-outside': '../outside',
    'folder-up': '..',
    'to-zero': '/dev/zero',
    'to-root': '/',
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
  await symlink(root, join(folder, 'root-link'));
  execFileSync('mkfifo', [join(root, 'fifo'), join(folder, 'outside', 'fifo')]);
  socket = createServer();
  await new Promise<void>((resolve) => socket.listen(join(root, 'socket'), resolve));
});

afterAll(async () => {
  await new Promise((resolve) => socket.close(resolve));
  await rm(folder, { recursive: true });
});

async function read(path: string, options: { root?: string } = { root }): Promise<string> {
  const audio = await (resolveSource(fromFile(path, options)) as UploadAudio).open();
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of audio.chunks) chunks.push(chunk);
  } finally {
    await audio.close();
  }
  return Buffer.concat(chunks).toString();
}

describe('a file within the root', () => {
  it.each([
    ['a name', () => 'a.wav'],
    ['a name that begins with dots', () => '..a.wav'],
    ['a path', () => 'sub/deep/a.wav'],
    ['a path that leaves a folder again', () => 'sub/../a.wav'],
    ['a path that leaves the root and comes back', () => '../root/a.wav'],
    ['an absolute path', () => join(root, 'sub', 'a.wav')],
    ['a link to a file', () => 'to-inside.wav'],
    ['a link in the middle', () => 'folder-inside/deep/a.wav'],
    ['a link that leaves the root and comes back', () => 'folder-up/root/a.wav'],
  ])('is read: %s', async (_what, path) => {
    expect(await read(path())).toBe(INSIDE);
  });

  it('is read where the root is a link itself, or ends with a slash', async () => {
    expect(await read('a.wav', { root: join(folder, 'root-link') })).toBe(INSIDE);
    expect(await read(join(folder, 'root-link', 'a.wav'), { root: `${root}/` })).toBe(INSIDE);
    expect(await read(join(root, 'a.wav').slice(1), { root: '/' })).toBe(INSIDE);
  });
});

describe('everything else is refused', () => {
  it.each([
    ['../', () => '../a.wav', 'outside_root'],
    ['../ in the middle', () => 'sub/../../outside/a.wav', 'outside_root'],
    ['many of them', () => `${'../'.repeat(50)}etc/passwd`, 'outside_root'],
    ['an absolute path', () => '/etc/passwd', 'outside_root'],
    ['an absolute path of a neighbour', () => join(folder, 'a.wav'), 'outside_root'],
    ['a folder whose name begins like the root', () => '../root2/a.wav', 'outside_root'],
    ['a link to a file', () => 'to-outside.wav', 'outside_root'],
    ['an absolute link to a file', () => 'to-outside-absolute.wav', 'outside_root'],
    ['a link to a link', () => 'to-link.wav', 'outside_root'],
    ['a link to a folder in the middle', () => 'folder-outside/a.wav', 'outside_root'],
    ['a link to the folder above', () => 'folder-up/a.wav', 'outside_root'],
    ['a link to / in the middle', () => 'to-root/etc/passwd', 'outside_root'],
    ['a link to a device', () => 'to-zero', 'outside_root'],
    ['a device', () => '/dev/zero', 'outside_root'],
    ['a named pipe outside', () => 'folder-outside/fifo', 'outside_root'],
    ['the environment of the process', () => '/proc/self/environ', 'outside_root'],
    ['the root itself', () => '.', 'outside_root'],
    ['a link that leads nowhere', () => 'dangling', 'file_not_found'],
    ['a link that leads nowhere within', () => 'dangling.wav', 'file_not_found'],
    ['a link to itself', () => 'circle.wav', 'file_not_readable'],
    ['a folder', () => 'sub', 'not_a_file'],
    ['a named pipe', () => 'fifo', 'not_a_file'],
    ['a socket', () => 'socket', 'not_a_file'],
    ['a file as a folder', () => 'a.wav/b', 'file_not_found'],
    ['a null byte', () => 'a.wav\0.png', 'file_not_readable'],
    ['a long name', () => 'x'.repeat(100_000), 'file_not_readable'],
    ['a percent sign is no ../', () => '%2e%2e/a.wav', 'file_not_found'],
    ['a URL', () => 'file:///etc/passwd', 'file_not_found'],
  ])(
    '%s',
    async (_what, path, code) => {
      const error = await failureOf(read(path()));
      expect(error).toBeInstanceOf(UnsupportedSourceError);
      expect(error).toMatchObject({ code, retryable: false });
    },
    5000,
  );

  it.each([
    ['a device', '/dev/zero', 'not_a_file'],
    ['a terminal', '/dev/tty', 'not_a_file'],
    ['a named pipe', () => join(root, 'fifo'), 'not_a_file'],
    ['a socket', () => join(root, 'socket'), 'not_a_file'],
    ['a folder', () => root, 'not_a_file'],
  ])(
    '%s without a root',
    async (_what, path, code) => {
      const error = await failureOf(read(typeof path === 'string' ? path : path(), {}));
      expect(error.code).toBe(code);
    },
    5000,
  );

  it('a root that is not there', async () => {
    expect(await failureOf(read('a.wav', { root: join(folder, 'nowhere') }))).toMatchObject({
      code: 'file_not_found',
    });
  });
});

/** Exchanges what a path is, again and again, until it is told to stop. */
function keepSwapping(
  path: string,
  make: readonly ((path: string) => Promise<void>)[],
): () => Promise<number> {
  let stopped = false;
  let swaps = 0;
  const done = (async () => {
    while (!stopped) {
      const next = `${path}.next`;
      await make[swaps % make.length]?.(next);
      // In one step, so that there is always something at the path.
      await rename(next, path);
      swaps += 1;
    }
  })();
  return async () => {
    stopped = true;
    await done;
    return swaps;
  };
}

describe('a path that is exchanged while it is opened', () => {
  it.each([
    [
      'a file and a link',
      'swap.wav',
      () => '',
      [
        (path: string) => link(join(root, 'a.wav'), path),
        (path: string) => symlink('../outside/a.wav', path),
      ],
    ],
    [
      'two links',
      'swap-link.wav',
      () => '',
      [(path: string) => symlink('a.wav', path), (path: string) => symlink('../outside/a.wav', path)],
    ],
    [
      'a folder in the middle',
      'swap-folder',
      () => '/deep/a.wav',
      [(path: string) => symlink('sub', path), (path: string) => symlink('../outside', path)],
    ],
  ])('never shows a byte from outside: %s', async (_what, name, rest, make) => {
    const stop = keepSwapping(join(root, name), make);
    const outcomes: string[] = [];
    try {
      for (let count = 0; count < 200 || (!outcomes.includes(INSIDE) && count < 20_000); count++) {
        outcomes.push(await read(name + rest()).catch((error: { code: string }) => error.code));
      }
    } finally {
      expect(await stop()).toBeGreaterThan(2);
      await unlink(join(root, name));
    }
    expect(outcomes).toContain(INSIDE);
    expect(outcomes.filter((outcome) => outcome.includes(OUTSIDE))).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('leaves no file open where it refuses one', async () => {
    const open = async () => (await readdir('/proc/self/fd')).length;
    const before = await open();
    for (let count = 0; count < 50; count++) await failureOf(read('to-outside.wav'));
    expect(await open()).toBeLessThan(before + 10);
  });
});

describe('where the system does not tell what was opened', () => {
  const readWithin = async (path: string): Promise<string> => {
    const handle = await openWithin(root, path, constants.O_RDONLY, join(folder, 'nowhere'));
    try {
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  };

  it('reads what lies within the root', async () => {
    expect(await readWithin('folder-inside/a.wav')).toBe(INSIDE);
  });

  it('refuses what does not', async () => {
    expect(await failureOf(readWithin('to-outside.wav'))).toMatchObject({ code: 'outside_root' });
    expect(await failureOf(readWithin('folder-outside/a.wav'))).toMatchObject({ code: 'outside_root' });
  });
});
