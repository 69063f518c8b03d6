import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { isAsyncIterable, keepErrors, releaseStream } from '../../audio/streams.js';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import { StorageError } from '../../errors/index.js';
import { defined } from '../../internal/defined.js';
import { s3Error } from './errors.js';

/** The audio of an answer whose body was not read yet. */
export function openDownload({ Body, ContentLength }: GetObjectCommandOutput): OpenedAudio {
  if (typeof Body !== 'object' || !isAsyncIterable(Body) || ContentLength === 0) {
    void releaseStream(Body);
    throw new StorageError(
      'What is kept under this ref is empty. Give the audio a prefix that nothing else writes to.',
      { code: 'storage_corrupt' },
    );
  }
  keepErrors(Body);
  return {
    chunks: readBody(Body, ContentLength),
    ...defined({ sizeBytes: ContentLength }),
    close: (reason) => releaseStream(Body, reason),
  };
}

/** Delivers exactly `sizeBytes`, the length that was announced, or fails. */
async function* readBody(
  body: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes ?? 0;
  try {
    for await (const chunk of body) {
      left -= chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    throw s3Error('The audio cannot be read from S3 to its end', error);
  }
  if (sizeBytes === undefined || left === 0) return;
  throw new StorageError('The audio from S3 ended early, or is longer than S3 said. Try again.', {
    code: 'storage_unavailable',
    retryable: true,
  });
}
