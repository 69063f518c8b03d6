import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkPutOptions,
  DEFAULT_MAX_BYTES,
  IncomingAudio,
  settlesWithin,
} from '../../audio/incoming-audio.js';
import { audioNotFound, isRef, purgeTime } from '../../audio/stored-refs.js';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import type { AudioStore, PutAudioOptions, StoredAudio } from '../../contracts/audio-store.js';
import { StorageError } from '../../errors/index.js';
import { claimUnlessAborted, throwIfAborted } from '../../internal/abort.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { createId } from '../../internal/ids.js';
import { checkBoolean, checkNumber, invalidOption } from '../../internal/validate.js';
import { errnoOf, typed } from './errors.js';
import { PrivateFolder, syncFolder } from './folder.js';
import { purgeFolder } from './purge.js';
import { openStoredFile } from './stored-file.js';
import { UnfinishedFile } from './unfinished-file.js';

export interface FileAudioStoreOptions {
  /**
   * A folder for the audio alone, made with mode 0700 where it is missing.
   *
   * One that is a symbolic link, belongs to another user, or can be written or exchanged by other users is
   * refused by the first call that needs it.
   */
  readonly directory: string;
  /** The folder is on a file system that other machines mount, where the same user runs. Default false. */
  readonly shared?: boolean;
  /** The largest audio, in bytes. Default 2 GiB, which is Deepgram's limit. */
  readonly maxBytes?: number;
}

/**
 * Keeps audio in files of a private folder.
 *
 * A put is on the disk when it resolves, and a crash leaves no half audio. `purge()` goes by the time at which the
 * audio was written, and also clears what crashed puts left an hour ago or longer. `health()` writes a few bytes,
 * reads them and deletes them.
 *
 * Failures are StorageErrors: `storage_full` and too many open files (`storage_unavailable`) may be tried again;
 * `storage_read_only`, `storage_corrupt` and `storage_failed` may not.
 *
 * @throws BadRequestError for a wrong option.
 */
export function createFileAudioStore(options: FileAudioStoreOptions): AudioStore {
  checkOptions('createFileAudioStore()', options, ['directory', 'shared', 'maxBytes']);
  const { directory, shared = false, maxBytes = DEFAULT_MAX_BYTES } = options;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw invalidOption('directory', 'the path of a folder', directory);
  }
  checkBoolean('shared', shared);
  checkNumber('maxBytes', maxBytes, { min: 1, max: Number.MAX_SAFE_INTEGER });
  return new FileAudioStore(new PrivateFolder(directory), shared, maxBytes);
}

/** An aborted put waits so long for its file to be gone. A slower disk clears up later. */
const CLEAR_UP_MS = 10;

const PROBE = new Uint8Array([0, 1, 254, 255]);

class FileAudioStore implements AudioStore {
  readonly capabilities: AudioStore['capabilities'];
  readonly #folder: PrivateFolder;
  readonly #maxBytes: number;

  constructor(folder: PrivateFolder, shared: boolean, maxBytes: number) {
    this.capabilities = { shared, durable: true };
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  async put(audio: AsyncIterable<Uint8Array>, options: PutAudioOptions = {}): Promise<StoredAudio> {
    checkPutOptions(options);
    const { signal } = options;
    const incoming = new IncomingAudio(audio, { maxBytes: this.#maxBytes, signal });
    const writing = this.#put(incoming, signal);
    if (signal === undefined) return writing;
    try {
      return await claimUnlessAborted(writing, signal, ({ ref }) => this.delete(ref));
    } catch (error) {
      incoming.release();
      await settlesWithin(CLEAR_UP_MS, writing);
      throw error;
    }
  }

  async open(ref: string): Promise<OpenedAudio> {
    const path = await this.#pathOf(ref);
    if (path === undefined) throw audioNotFound();
    return openStoredFile(path);
  }

  async delete(ref: string): Promise<boolean> {
    const path = await this.#pathOf(ref);
    if (path === undefined) return false;
    return typed('The audio cannot be deleted', deleteFile(path));
  }

  async purge(query: { readonly createdBefore: string }): Promise<number> {
    const beforeMs = purgeTime(query);
    const folder = await this.#folder.existing();
    if (folder === undefined) return 0;
    return typed('The audio cannot be purged', purgeFolder(folder, beforeMs));
  }

  async health(): Promise<void> {
    const { ref } = await this.put(probe());
    try {
      await this.#checkProbe(ref);
    } finally {
      await this.delete(ref);
    }
  }

  async #put(audio: IncomingAudio, signal: AbortSignal | undefined): Promise<StoredAudio> {
    try {
      throwIfAborted(signal);
      const ref = createId('aud');
      const file = await UnfinishedFile.create(await this.#folder.ready(), ref);
      try {
        for await (const bytes of audio) await file.write(bytes);
        await file.keep();
        return { ref, sizeBytes: audio.sizeBytes };
      } catch (error) {
        await file.discard();
        throw error;
      }
    } finally {
      audio.release();
    }
  }

  async #checkProbe(ref: string): Promise<void> {
    const { chunks } = await this.open(ref);
    const read: Uint8Array[] = [];
    for await (const chunk of chunks) read.push(chunk);
    if (Buffer.concat(read).equals(PROBE)) return;
    throw new StorageError('What was written is not what is read. Check the disk.', {
      code: 'storage_corrupt',
    });
  }

  /** Undefined where the ref is none, or where there is no folder yet. */
  async #pathOf(ref: string): Promise<string | undefined> {
    if (!isRef(ref)) return undefined;
    const folder = await this.#folder.existing();
    return folder === undefined ? undefined : join(folder, ref);
  }
}

async function* probe(): AsyncGenerator<Uint8Array> {
  yield PROBE;
}

/** What is deleted stays so after a crash. */
async function deleteFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  await syncFolder(join(path, '..'));
  return true;
}
