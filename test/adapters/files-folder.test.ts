import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { bytes, chunksOf, readRef, sameBytes } from '../../src/testing/contract/audio-store-samples.js';

const base = mkdtempSync(join(tmpdir(), 'transcription-client-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  return join(base, String(++folders));
}

const isRoot = process.getuid?.() === 0;
const UNKNOWN_REF = `aud_${'0'.repeat(32)}`;
const LATER = '2999-01-01T00:00:00.000Z';

const mode = (path: string): number => lstatSync(path).mode & 0o7777;
const put = (store: AudioStore, size = 100) => store.put(chunksOf(bytes(size)));

/** A folder with these rights, whatever the process would take from them. */
function makeFolder(path: string, rights: number): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, rights);
}

describe('the folder of the audio', () => {
  it('is made with all that is above it, for this user alone, and so are its files', async () => {
    const directory = join(newFolder(), 'a', 'b');
    const before = process.umask(0);
    try {
      const { ref } = await put(createFileAudioStore({ directory }));
      expect(readdirSync(directory)).toEqual([ref]);
      expect(mode(join(directory, ref))).toBe(0o600);
      for (const path of ['', '..', '../..']) expect(mode(join(directory, path))).toBe(0o700);
    } finally {
      process.umask(before);
    }
  });

  it('keeps the file for this user alone while it is written', async () => {
    const directory = newFolder();
    let seen: number[] = [];
    const audio = (async function* () {
      yield bytes(10);
      seen = readdirSync(directory).map((name) => mode(join(directory, name)));
      yield bytes(10);
    })();
    await createFileAudioStore({ directory }).put(audio);
    expect(seen).toEqual([0o600]);
  });

  it('is made by nothing but a put', async () => {
    const directory = newFolder();
    const store = createFileAudioStore({ directory });
    await expect(store.open(UNKNOWN_REF)).rejects.toMatchObject({ code: 'audio_not_found' });
    expect(await store.delete(UNKNOWN_REF)).toBe(false);
    expect(await store.purge?.({ createdBefore: LATER })).toBe(0);
    expect(() => lstatSync(directory)).toThrow('ENOENT');
  });

  it('is made anew where it was taken away', async () => {
    const directory = newFolder();
    const store = createFileAudioStore({ directory });
    await put(store);
    rmSync(directory, { recursive: true });
    const { ref } = await put(store);
    sameBytes(await readRef(store, ref), bytes(100));
  });

  it('may be named from the working directory, which may change after that', async () => {
    const folder = newFolder();
    makeFolder(folder, 0o700);
    const before = process.cwd();
    process.chdir(folder);
    const store = createFileAudioStore({ directory: 'audio' });
    process.chdir(before);
    const { ref } = await put(store);
    expect(readdirSync(join(folder, 'audio'))).toEqual([ref]);
  });

  it('may lie below a symbolic link', async () => {
    const folder = newFolder();
    makeFolder(folder, 0o700);
    symlinkSync(folder, `${folder}-link`);
    const store = createFileAudioStore({ directory: join(`${folder}-link`, 'audio') });
    const { ref } = await put(store);
    expect(readdirSync(join(folder, 'audio'))).toEqual([ref]);
    sameBytes(await readRef(store, ref), bytes(100));
  });

  it('may lie in a folder of everybody in which nobody can take away what is not his own', async () => {
    const folder = newFolder();
    makeFolder(folder, 0o1777);
    const store = createFileAudioStore({ directory: join(folder, 'audio') });
    sameBytes(await readRef(store, (await put(store)).ref), bytes(100));
  });
});

describe('a folder in which others could exchange the audio', () => {
  interface Unsafe {
    readonly what: string;
    readonly message: RegExp;
    /** Returns the folder that the store is given. */
    make(folder: string): string;
    readonly needsRoot?: boolean;
  }

  const unsafe: readonly Unsafe[] = [
    {
      what: 'a file',
      message: /is no folder/,
      make(folder) {
        writeFileSync(folder, '');
        return folder;
      },
    },
    {
      what: 'below a file',
      message: /below a file/,
      make(folder) {
        writeFileSync(folder, '');
        return join(folder, 'audio');
      },
    },
    {
      what: 'a symbolic link to a folder',
      message: /is a symbolic link/,
      make(folder) {
        makeFolder(folder, 0o700);
        symlinkSync(folder, `${folder}-link`);
        return `${folder}-link`;
      },
    },
    {
      what: 'a symbolic link to nothing',
      message: /is (no folder|a symbolic link)/,
      make(folder) {
        symlinkSync(`${folder}-nothing`, folder);
        return folder;
      },
    },
    {
      what: 'writable by its group',
      message: /can be written by other users/,
      make(folder) {
        makeFolder(folder, 0o770);
        return folder;
      },
    },
    {
      what: 'writable by all',
      message: /can be written by other users/,
      make(folder) {
        makeFolder(folder, 0o1777);
        return folder;
      },
    },
    {
      what: 'below a folder that all can write to',
      message: /lies where other users can exchange it/,
      make(folder) {
        makeFolder(join(folder, 'audio'), 0o700);
        chmodSync(folder, 0o777);
        return join(folder, 'audio');
      },
    },
    {
      what: 'of another user',
      message: /belongs to another user/,
      needsRoot: true,
      make(folder) {
        makeFolder(folder, 0o755);
        chownSync(folder, 1234, 1234);
        return folder;
      },
    },
    {
      what: 'below a folder that another user made in wait for it',
      message: /lies where other users can exchange it/,
      needsRoot: true,
      make(folder) {
        makeFolder(join(folder, 'theirs', 'audio'), 0o700);
        chownSync(join(folder, 'theirs'), 1234, 1234);
        chmodSync(folder, 0o1777);
        return join(folder, 'theirs', 'audio');
      },
    },
  ];

  it.each(unsafe)('is refused: $what', async ({ message, make, needsRoot = false }) => {
    if (needsRoot && !isRoot) {
      console.log('Left out: only root can give a folder to another user.');
      return;
    }
    const store = createFileAudioStore({ directory: make(newFolder()) });
    const refusal = { name: 'StorageError', retryable: false, message: expect.stringMatching(message) };
    await expect(put(store)).rejects.toMatchObject(refusal);
    await expect(store.health?.()).rejects.toMatchObject(refusal);
    await expect(store.open(UNKNOWN_REF)).rejects.toMatchObject(refusal);
    await expect(store.delete(UNKNOWN_REF)).rejects.toMatchObject(refusal);
    await expect(store.purge?.({ createdBefore: LATER })).rejects.toMatchObject(refusal);
  });
});

describe('what somebody put in the place of audio', () => {
  function withSecret() {
    const directory = newFolder();
    makeFolder(directory, 0o700);
    const secret = `${directory}-secret`;
    writeFileSync(secret, 'secret');
    return {
      directory,
      secret,
      store: createFileAudioStore({ directory }),
      path: join(directory, UNKNOWN_REF),
    };
  }

  it.each<[string, (path: string, secret: string) => void]>([
    ['a symbolic link', (path, secret) => symlinkSync(secret, path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a named pipe that nobody writes to', (path) => execFileSync('mkfifo', [path])],
    ['an empty file', (path) => writeFileSync(path, '')],
  ])('is not opened: %s', async (_what, make) => {
    const { store, path, secret } = withSecret();
    make(path, secret);
    await expect(store.open(UNKNOWN_REF)).rejects.toMatchObject({
      name: 'StorageError',
      code: 'storage_corrupt',
      retryable: false,
    });
  });

  it('is deleted as a link, and what it leads to stays', async () => {
    const { store, path, secret } = withSecret();
    symlinkSync(secret, path);
    expect(await store.delete(UNKNOWN_REF)).toBe(true);
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });

  it('is not purged, and neither is a file of another name', async () => {
    const { store, path, secret, directory } = withSecret();
    symlinkSync(secret, path);
    const names = ['notes.txt', `${UNKNOWN_REF}.bak`, 'x.part', UNKNOWN_REF.toUpperCase()];
    for (const name of names) {
      writeFileSync(join(directory, name), 'mine');
      utimesSync(join(directory, name), 1, 1);
    }
    expect(await store.purge?.({ createdBefore: LATER })).toBe(0);
    expect(readdirSync(directory).sort()).toEqual([UNKNOWN_REF, ...names].sort());
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });
});
