import { constants, type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { typed } from './errors.js';
import { syncFolder } from './folder.js';

/** What follows the ref in the name of a file that is being written. */
export const UNFINISHED_SUFFIX = '.part';

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Audio under a name that no ref has, until all of it is on the disk: a crash leaves no half audio. */
export class UnfinishedFile {
  readonly #handle: FileHandle;
  readonly #folder: string;
  readonly #path: string;
  readonly #unfinishedPath: string;

  private constructor(handle: FileHandle, folder: string, ref: string) {
    this.#handle = handle;
    this.#folder = folder;
    this.#path = join(folder, ref);
    this.#unfinishedPath = this.#path + UNFINISHED_SUFFIX;
  }

  static async create(folder: string, ref: string): Promise<UnfinishedFile> {
    const creating = open(join(folder, ref) + UNFINISHED_SUFFIX, FLAGS, 0o600);
    return new UnfinishedFile(await typed('The audio cannot be written', creating), folder, ref);
  }

  /** Resolves when the disk has taken the bytes, or the system for it. */
  write(bytes: Uint8Array): Promise<void> {
    return typed('The audio cannot be written', this.#writeAll(bytes));
  }

  /** The audio is there from now on, and after a crash too. */
  keep(): Promise<void> {
    return typed('The audio cannot be written', this.#keep());
  }

  /** Nothing of it is left. Never rejects: a purge clears what could not be. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    for (const path of [this.#unfinishedPath, this.#path]) await unlink(path).catch(() => undefined);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(bytes, offset);
      offset += bytesWritten;
    }
  }

  async #keep(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#unfinishedPath, this.#path);
    await syncFolder(this.#folder);
  }
}
