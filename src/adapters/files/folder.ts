import type { Stats } from 'node:fs';
import { lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StorageError } from '../../errors/index.js';
import { errnoOf, fileError, typed } from './errors.js';

const WRITABLE_BY_OTHERS = 0o002;
const WRITABLE_BY_GROUP_OR_OTHERS = 0o022;
/** In such a folder only its owner, and that of an entry, may take the entry away. */
const STICKY = 0o1000;

const NO_FOLDER = 'is no folder, or lies below a file. Name another one';

/**
 * The folder of the audio, in which nobody else can exchange anything.
 *
 * It is looked at before every use: it may be taken away and made anew while the process runs.
 */
export class PrivateFolder {
  readonly #path: string;

  constructor(path: string) {
    // The working directory may change later.
    this.#path = resolve(path);
  }

  /** Its path, symbolic links above it resolved. Made where it is missing. */
  async ready(): Promise<string> {
    const path = await this.existing();
    if (path !== undefined) return path;
    await typed('The folder of the audio cannot be made', makeFolder(this.#path));
    const made = await this.existing();
    if (made !== undefined) return made;
    throw refused('was taken away while it was made. Keep other programs from clearing it');
  }

  /** Its path; undefined where there is none. */
  async existing(): Promise<string | undefined> {
    try {
      return await this.#checked();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') return undefined;
      if (errno === 'ENOTDIR') throw refused(NO_FOLDER);
      throw fileError('The folder of the audio cannot be read', error);
    }
  }

  async #checked(): Promise<string> {
    const stats = await lstat(this.#path);
    if (stats.isSymbolicLink()) throw refused('is a symbolic link. Name the folder that it leads to');
    if (!stats.isDirectory()) throw refused(NO_FOLDER);
    const path = await realpath(this.#path);
    await refuseForeign(path);
    return path;
  }
}

/** Windows keeps rights in another way, which the mode does not tell. */
async function refuseForeign(path: string): Promise<void> {
  const user = process.geteuid?.();
  if (user === undefined) return;
  const isTrusted = ({ uid }: Stats): boolean => uid === user || uid === 0;
  let stats = await lstat(path);
  if (!isTrusted(stats)) throw refused('belongs to another user. Name a folder that this user can make');
  if ((stats.mode & WRITABLE_BY_GROUP_OR_OTHERS) !== 0) {
    throw refused('can be written by other users. Take that right away, or name a new folder within it');
  }
  for (let folder = path; dirname(folder) !== folder; folder = dirname(folder)) {
    const parent = await lstat(dirname(folder));
    const isShared = (parent.mode & WRITABLE_BY_OTHERS) !== 0;
    // Whoever owns an entry of a shared folder made it, perhaps in wait for this path.
    if (isShared && ((parent.mode & STICKY) === 0 || !isTrusted(stats))) {
      throw refused('lies where other users can exchange it. Name a folder elsewhere');
    }
    stats = parent;
  }
}

function refused(why: string): StorageError {
  return new StorageError(`The folder of the audio (the option directory) ${why}.`, {
    code: 'storage_failed',
  });
}

/** With all that is missing above it. Node's own way tells of no file system that is read only. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    // Another process was faster.
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  // It may lie in a folder that this user cannot read, and that is no reason to fail.
  await syncFolder(dirname(path)).catch(() => undefined);
}

/** Not every file system can, and those that cannot say so. */
const CANNOT_SYNC: ReadonlySet<unknown> = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM']);

/** Writes the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!CANNOT_SYNC.has(errnoOf(error))) throw error;
  }
}
