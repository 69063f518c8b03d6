import { resolveUpload } from '../audio/resolve.js';
import type { AudioSource, OpenedAudio, UploadAudio } from '../contracts/index.js';
import { UnsupportedSourceError } from '../errors/index.js';
import { abortError, claimUnlessAborted } from '../internal/abort.js';

/** What `pipeFrom()` reads: everything that `transcribe()` takes, except URLs. */
export type LiveSource = Exclude<AudioSource, string | URL>;

/** @throws UnsupportedSourceError for everything that cannot be read. */
export function resolveLiveSource(source: unknown): UploadAudio {
  if (typeof source !== 'string' && !(source instanceof URL)) return resolveUpload(source);
  throw new UnsupportedSourceError(
    'pipeFrom() takes neither a path nor a URL. Pass fromFile(path) or createReadStream(path) for a file, ' +
      'and the Response of fetch(url) for a URL.',
    { code: 'unsupported_source' },
  );
}

/** Rejects as soon as the signal aborts; what is opened later is closed again. */
export async function openAudio(source: UploadAudio, stop: AbortSignal): Promise<OpenedAudio> {
  if (stop.aborted) {
    source.discard?.(stop.reason);
    throw abortError(stop);
  }
  return claimUnlessAborted(source.open(), stop, (audio) => audio.close(stop.reason));
}

/** True for streams that are read once, which may be a microphone's; other sources are known to end. */
export function mayBeEndless(source: unknown): boolean {
  try {
    return resolveLiveSource(source).kind === 'stream';
  } catch {
    return false;
  }
}

/** A source that will not be read is let go of, as far as it is one. */
export function discardSource(source: unknown): void {
  try {
    resolveLiveSource(source).discard?.();
  } catch {
    // What is no source holds nothing.
  }
}
