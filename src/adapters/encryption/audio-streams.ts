import { isAsyncIterable, keepErrors, releaseStream } from '../../audio/streams.js';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import { AbortedError, UnsupportedSourceError } from '../../errors/index.js';
import { defined } from '../../internal/defined.js';
import { cutBlocks } from './blocks.js';
import { decryptionFailed } from './failure.js';
import type { KeyRing } from './key-ring.js';
import { PromptChunks } from './prompt-chunks.js';
import {
  HEADER_BYTES,
  plainSize,
  SEALED_SEGMENT_BYTES,
  SEGMENT_BYTES,
  SegmentOpener,
  SegmentSealer,
} from './segments.js';

/**
 * The ciphertext of audio, while it is read. Of empty audio there is none: not even a header.
 *
 * @param onSealed Hears the plain bytes of each segment.
 * @throws UnsupportedSourceError where the audio is none.
 */
export function sealAudio(
  audio: AsyncIterable<Uint8Array>,
  keys: KeyRing,
  onSealed: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  if (typeof audio !== 'object' || audio === null || !isAsyncIterable(audio)) {
    throw new UnsupportedSourceError('put() takes the audio as an async iterable of bytes.', {
      code: 'unsupported_source',
    });
  }
  keepErrors(audio);
  let iterator: AsyncIterator<Uint8Array> | undefined;
  const source = {
    [Symbol.asyncIterator]() {
      iterator = audio[Symbol.asyncIterator]();
      return iterator;
    },
  };
  return new PromptChunks(sealedChunks(source, keys, onSealed), () => {
    void releaseStream(audio);
    void endQuietly(iterator);
  });
}

async function* sealedChunks(
  audio: AsyncIterable<Uint8Array>,
  keys: KeyRing,
  onSealed: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let sealer: SegmentSealer | undefined;
  for await (const { bytes, isLast } of cutBlocks(audio, SEGMENT_BYTES)) {
    if (sealer === undefined) {
      sealer = new SegmentSealer(keys);
      yield sealer.header;
    }
    onSealed(bytes.byteLength);
    yield sealer.seal(bytes, isLast);
  }
}

async function endQuietly(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // Whoever closes a source has his reason already.
  }
}

/**
 * The audio in a ciphertext that was opened. Its chunks fail with code `decryption_failed`, at the first segment that
 * is not authentic.
 *
 * @param what Names the audio in messages.
 */
export function openSealedAudio(sealed: OpenedAudio, keys: KeyRing, what: string): OpenedAudio {
  let isClosed = false;
  const close = (reason?: unknown): Promise<void> => {
    isClosed = true;
    return sealed.close(reason);
  };
  async function* plainChunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* openedChunks(sealed.chunks, keys, what);
    } catch (error) {
      // A ciphertext that was closed ends too early, and is not damaged.
      throw isClosed ? closedWhileRead(error) : error;
    } finally {
      await close();
    }
  }
  const { sizeBytes } = sealed;
  return {
    chunks: new PromptChunks(plainChunks(), () => void close()),
    ...defined({ sizeBytes: sizeBytes === undefined ? undefined : plainSize(sizeBytes) }),
    close,
  };
}

async function* openedChunks(
  sealed: AsyncIterable<Uint8Array>,
  keys: KeyRing,
  what: string,
): AsyncGenerator<Uint8Array> {
  let opener: SegmentOpener | undefined;
  let isWhole = false;
  for await (const { bytes, isLast } of cutBlocks(sealed, SEALED_SEGMENT_BYTES, HEADER_BYTES)) {
    if (opener === undefined) opener = new SegmentOpener(what, bytes, keys);
    else {
      yield opener.open(bytes, isLast);
      isWhole = isLast;
    }
  }
  if (!isWhole) throw decryptionFailed(what, 'it ends too early. Enqueue the audio again.');
}

function closedWhileRead(cause: unknown): AbortedError {
  return new AbortedError('The audio was closed while it was read.', { code: 'aborted', cause });
}
