import type { Dirent } from 'node:fs';
import { lstat, opendir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isRef } from '../../audio/stored-refs.js';
import { errnoOf } from './errors.js';
import { syncFolder } from './folder.js';
import { UNFINISHED_SUFFIX } from './unfinished-file.js';

/** What was not written to for so long belongs to a put that crashed, also where other processes put. */
const ABANDONED_MS = 60 * 60 * 1000;

/** Deletes audio older than the time, and what crashed puts left. Resolves to how much audio there was. */
export async function purgeFolder(folder: string, beforeMs: number): Promise<number> {
  const abandonedBeforeMs = Math.min(beforeMs, Date.now() - ABANDONED_MS);
  let count = 0;
  for await (const entry of await opendir(folder)) {
    if (isAudio(entry)) count += Number(await deleteOlder(join(folder, entry.name), beforeMs));
    else if (isUnfinished(entry)) await deleteOlder(join(folder, entry.name), abandonedBeforeMs);
  }
  await syncFolder(folder);
  return count;
}

function isAudio({ name }: Dirent): boolean {
  return isRef(name);
}

function isUnfinished({ name }: Dirent): boolean {
  return name.endsWith(UNFINISHED_SUFFIX) && isRef(name.slice(0, -UNFINISHED_SUFFIX.length));
}

/** False where it is younger, is no file, or where somebody else deleted it. */
async function deleteOlder(path: string, beforeMs: number): Promise<boolean> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.mtimeMs >= beforeMs) return false;
    await unlink(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
