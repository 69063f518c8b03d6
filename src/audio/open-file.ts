import type { FileHandle } from 'node:fs/promises';
import type { OpenedAudio } from '../contracts/index.js';
import { UnsupportedSourceError } from '../errors/index.js';
import { openWithin } from './open-within.js';
import type { BrandedFile } from './sources.js';

const READ_SIZE = 256 * 1024;

export async function openFile(source: BrandedFile): Promise<OpenedAudio> {
  const { handle, sizeBytes } = await openHandle(source);
  return { chunks: readHandle(handle, sizeBytes), sizeBytes, close: () => closeHandle(handle) };
}

/** The handle is open, and known to be a file with something in it, before this resolves. Close it. */
export async function openHandle(source: BrandedFile): Promise<{ handle: FileHandle; sizeBytes: number }> {
  const handle = await openPath(source);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw notAFile(stats.isDirectory());
    if (stats.size === 0) {
      throw new UnsupportedSourceError('The file is empty (0 bytes). Check that it was written and closed.', {
        code: 'empty_source',
      });
    }
    return { handle, sizeBytes: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openPath({ path, root }: BrandedFile): Promise<FileHandle> {
  const { open, constants } = await import('node:fs/promises');
  // Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  try {
    return await (root === undefined ? open(path, flags) : openWithin(root, path, flags));
  } catch (error) {
    throw error instanceof UnsupportedSourceError ? error : openError(error);
  }
}

/** Delivers exactly `sizeBytes`, the length that was announced, whatever happens to the file meanwhile. */
async function* readHandle(handle: FileHandle, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0; ) {
    const chunk = await readChunk(handle, Math.min(left, READ_SIZE));
    left -= chunk.byteLength;
    yield chunk;
  }
}

async function readChunk(handle: FileHandle, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes);
  let bytesRead: number;
  try {
    ({ bytesRead } = await handle.read(buffer, 0, maxBytes));
  } catch (cause) {
    throw new UnsupportedSourceError('The file could not be read to its end. Check the disk.', {
      code: 'file_not_readable',
      cause,
    });
  }
  if (bytesRead > 0) return buffer.subarray(0, bytesRead);
  throw new UnsupportedSourceError('The file became shorter while it was read. Wait until it is written.', {
    code: 'file_not_readable',
  });
}

async function closeHandle(handle: FileHandle): Promise<void> {
  // Closing twice, or after an input error, leaves nothing open either.
  await handle.close().catch(() => undefined);
}

function openError(cause: unknown): UnsupportedSourceError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UnsupportedSourceError(
      'There is no file at the path that fromFile() was given. Check the path; a relative one begins at the working directory.',
      {
        code: 'file_not_found',
        cause,
      },
    );
  }
  if (code === 'EISDIR') return notAFile(true);
  // Sockets, and devices without anything behind them.
  if (code === 'ENXIO') return notAFile(false);
  if (code === 'ERR_INVALID_ARG_VALUE') {
    return new UnsupportedSourceError(
      'The path that fromFile() was given holds a character that no path can hold.',
      {
        code: 'file_not_readable',
        cause,
      },
    );
  }
  return new UnsupportedSourceError(
    `The file cannot be opened (${code ?? 'unknown error'}). Check its permissions.`,
    {
      code: 'file_not_readable',
      cause,
    },
  );
}

function notAFile(isDirectory: boolean): UnsupportedSourceError {
  return new UnsupportedSourceError(
    `The path that fromFile() was given is ${isDirectory ? 'a directory' : 'no regular file'}. Name one audio file.`,
    { code: 'not_a_file' },
  );
}
