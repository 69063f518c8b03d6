import { createHash } from 'node:crypto';
import type { OpenedAudio, ResolvedSource, UploadAudio } from '../contracts/index.js';
import { claimUnlessAborted, raceAbort } from '../internal/abort.js';

/** As much as is hashed before the event loop gets its turn. */
const SLICE_BYTES = 1024 * 1024;

/** SHA-256 of the audio, or of its URL: the same for the same audio, whatever kind of source it comes from. */
export async function hashSource(source: ResolvedSource, signal: AbortSignal): Promise<string> {
  if (source.kind === 'url') return hashUrl(source.url);
  const audio = await claimUnlessAborted(source.open(), signal, (late) => late.close());
  try {
    // Also a read that waits for a stream which stands still ends with the signal.
    return await raceAbort(readHash(audio, signal), signal);
  } finally {
    await audio.close();
  }
}

/** Apart from the hash of audio that happens to be the same text. */
export function hashUrl(url: string): string {
  return `url:${createHash('sha256').update(url).digest('hex')}`;
}

export interface HashedSource {
  readonly source: UploadAudio;
  /** The hash of the last reading; undefined where it did not come to its end. */
  hash(): string | undefined;
}

/** The same source, whose bytes are hashed on their way: for streams that can be read only once. */
export function hashWhileRead(source: UploadAudio): HashedSource {
  let result: string | undefined;
  return {
    source: {
      ...source,
      async open() {
        result = undefined;
        const { bytes: _bytes, ...audio } = await source.open();
        const chunks = hashChunks(audio.chunks, (hash) => {
          result = hash;
        });
        return { ...audio, chunks };
      },
    },
    hash: () => result,
  };
}

async function readHash(audio: OpenedAudio, signal: AbortSignal): Promise<string> {
  let result = '';
  const chunks = hashChunks(audio.chunks, (hash) => {
    result = hash;
  });
  for await (const _chunk of chunks) signal.throwIfAborted();
  return result;
}

async function* hashChunks(
  chunks: OpenedAudio['chunks'],
  onEnd: (hash: string) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  // Over all chunks: reading many small ones from memory would not let the event loop go on either.
  let hashedBytes = 0;
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
      const slice = chunk.subarray(start, start + SLICE_BYTES);
      hash.update(slice);
      hashedBytes += slice.byteLength;
      if (hashedBytes < SLICE_BYTES) continue;
      hashedBytes = 0;
      await new Promise(setImmediate);
    }
    yield chunk;
  }
  onEnd(`sha256:${hash.digest('hex')}`);
}
