import type { FileHandle } from 'node:fs/promises';
import { UnsupportedSourceError } from '../errors/index.js';

/** Where Linux tells the path of what a descriptor holds. */
const DESCRIPTORS = '/proc/self/fd';

/**
 * Opens a file that lies within a folder, symbolic links resolved, also where links are exchanged meanwhile:
 * what is checked is what was opened, not what the path led to before.
 *
 * Rejects with an UnsupportedSourceError, code `outside_root`, or with the error of the file system.
 */
export async function openWithin(
  root: string,
  path: string,
  flags: number,
  descriptors = DESCRIPTORS,
): Promise<FileHandle> {
  const [{ open, realpath, constants }, { resolve }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
  ]);
  const realRoot = await realpath(root);
  const realPath = await realpath(resolve(realRoot, path));
  await assertWithin(realRoot, realPath);
  const handle = await open(realPath, flags | constants.O_NOFOLLOW);
  try {
    await assertWithin(realRoot, await openedPath(handle, realPath, descriptors));
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where the file lies that was opened; undefined where it is no longer the one that the path names. */
async function openedPath(
  handle: FileHandle,
  path: string,
  descriptors: string,
): Promise<string | undefined> {
  const { readlink, realpath, stat } = await import('node:fs/promises');
  const told = await readlink(`${descriptors}/${handle.fd}`).catch(() => undefined);
  if (told !== undefined) return told;
  // Elsewhere the file of the path is compared, which leaves no room for an exchange that lasts.
  const opened = await handle.stat({ bigint: true });
  const named = await stat(path, { bigint: true });
  return opened.dev === named.dev && opened.ino === named.ino ? realpath(path) : undefined;
}

async function assertWithin(realRoot: string, realPath: string | undefined): Promise<void> {
  const { sep } = await import('node:path');
  const folder = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
  if (realPath?.startsWith(folder)) return;
  throw new UnsupportedSourceError(
    'The file lies outside the root that fromFile() was given. Name a file within it, symbolic links resolved.',
    { code: 'outside_root' },
  );
}
