import type { AudioSource } from '../contracts/index.js';
import { openHandle } from './open-file.js';
import { isBranded } from './sources.js';

/** Bytes of a file. Undefined for everything else, and where it cannot be opened: that is told when it is read. */
export async function fileSize(source: AudioSource): Promise<number | undefined> {
  if (typeof source !== 'object' || !isBranded(source) || source.kind !== 'file') return undefined;
  try {
    const { handle, sizeBytes } = await openHandle(source);
    await handle.close();
    return sizeBytes;
  } catch {
    return undefined;
  }
}
