import { constants, type FileHandle, open } from 'node:fs/promises';
import { audioNotFound } from '../../audio/stored-refs.js';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import { StorageError } from '../../errors/index.js';
import { errnoOf, fileError, typed } from './errors.js';

const READ_SIZE = 256 * 1024;

// A link may lead anywhere, and a named pipe that nobody writes to would be waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The handle is open, and known to be a file with something in it, before this resolves. */
export async function openStoredFile(path: string): Promise<OpenedAudio> {
  const handle = await openHandle(path);
  try {
    const stats = await typed('The audio cannot be read', handle.stat());
    if (!stats.isFile()) throw notAFile();
    if (stats.size === 0) throw damaged('is empty');
    return {
      chunks: readHandle(handle, stats.size),
      sizeBytes: stats.size,
      close: () => closeHandle(handle),
    };
  } catch (error) {
    await closeHandle(handle);
    throw error;
  }
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path, FLAGS);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') throw audioNotFound();
    // A link; a socket.
    if (errno === 'ELOOP' || errno === 'ENXIO') throw notAFile();
    throw fileError('The audio cannot be read', error);
  }
}

/** Delivers exactly `sizeBytes`, the length that was announced, or fails. */
async function* readHandle(handle: FileHandle, sizeBytes: number): AsyncGenerator<Uint8Array> {
  try {
    for (let left = sizeBytes; left > 0; ) {
      const buffer = new Uint8Array(Math.min(left, READ_SIZE));
      const { bytesRead } = await typed('The audio cannot be read to its end', handle.read(buffer));
      if (bytesRead === 0) throw damaged('became shorter while it was read');
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await closeHandle(handle);
  }
}

async function closeHandle(handle: FileHandle): Promise<void> {
  // Closing twice, or after an input error, leaves nothing open either.
  await handle.close().catch(() => undefined);
}

function notAFile(): StorageError {
  return damaged('is no regular file');
}

function damaged(what: string): StorageError {
  return new StorageError(
    `What is kept under this ref ${what}. Give the audio a folder that nothing else writes to.`,
    { code: 'storage_corrupt' },
  );
}
