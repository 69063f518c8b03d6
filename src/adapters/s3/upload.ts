import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type IncomingAudio, settlesWithin } from '../../audio/incoming-audio.js';
import { keepErrors } from '../../audio/streams.js';
import { AbortedError } from '../../errors/index.js';
import { raceAbort, throwIfAborted } from '../../internal/abort.js';
import { defined } from '../../internal/defined.js';
import { s3Error } from './errors.js';
import { loadClient, loadUpload } from './sdk.js';

/**
 * Audio mostly comes slower than S3 takes it: more parts on their way would take memory and save no time. A part that
 * fails ends the upload also where the source stands still, because nobody else waits for the source then.
 */
const PARTS_UNDER_WAY = 1;

/** A put that fails waits so long for what it sent to be gone. A slower network clears up later. */
const CLEAR_UP_MS = 2000;

export interface UploadTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly partBytes: number;
  readonly contentType: string | undefined;
}

/**
 * Sends audio of unknown length. Where that fails, or where `ending` aborts, nothing of it is left.
 *
 * `ending` is the signal that the audio is read with: what cannot be sent is not waited for.
 */
export async function uploadAudio(
  audio: IncomingAudio,
  target: UploadTarget,
  ending: AbortController,
): Promise<void> {
  const { Upload } = await raceAbort(loadUpload(), ending.signal);
  const requests = new UploadRequests(target, ending);
  const body = new UploadBody(audio, ending);
  const stream = Readable.from(body);
  // It may break while nobody reads it.
  keepErrors(stream);
  const upload = new Upload({
    // All that it uses of a client.
    client: requests as unknown as S3Client,
    params: {
      Bucket: target.bucket,
      Key: target.key,
      Body: stream,
      ...defined({ ContentType: target.contentType }),
    },
    partSize: target.partBytes,
    queueSize: PARTS_UNDER_WAY,
    leavePartsOnError: true,
  });
  try {
    await raceAbort(upload.done(), ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) ending.abort(s3Error(WHAT, error));
    audio.release();
    await settlesWithin(CLEAR_UP_MS, requests.undo());
    throw body.failure === undefined ? s3Error(WHAT, error) : body.failure.error;
  } finally {
    stream.destroy();
  }
}

const WHAT = 'The audio cannot be written to S3';

/** The audio in copies of its own: a source may use its buffer again before the part is full. */
class UploadBody implements AsyncIterable<Uint8Array> {
  readonly #audio: IncomingAudio;
  readonly #ending: AbortController;
  /** Why the audio could not be read. */
  failure: { readonly error: unknown } | undefined;

  constructor(audio: IncomingAudio, ending: AbortController) {
    this.#audio = audio;
    this.#ending = ending;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#audio[Symbol.asyncIterator]();
    return { next: () => this.#next(iterator) };
  }

  async #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      const step = await iterator.next();
      return step.done ? step : { done: false, value: Buffer.from(step.value) };
    } catch (error) {
      this.failure ??= { error };
      this.#ending.abort(new AbortedError('The audio could not be read.', { code: 'aborted' }));
      throw error;
    }
  }
}

interface S3Command {
  readonly input: { readonly PartNumber?: unknown };
}

/**
 * The client as one upload sees it: what the upload sends ends with it, and can be undone.
 *
 * Invariant: when `ending` has aborted, nothing is sent any more but what undoes.
 */
class UploadRequests {
  readonly config: S3Client['config'];
  readonly #target: UploadTarget;
  readonly #ending: AbortController;
  readonly #underWay = new Set<Promise<unknown>>();
  #hasSent = false;
  #uploadId: string | undefined;

  constructor(target: UploadTarget, ending: AbortController) {
    this.config = target.client.config;
    this.#target = target;
    this.#ending = ending;
  }

  async send(command: S3Command): Promise<unknown> {
    throwIfAborted(this.#ending.signal);
    this.#hasSent = true;
    const sending = this.#send(command);
    this.#underWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  /** Never rejects: what could not be undone is left to the life cycle of the bucket. */
  async undo(): Promise<void> {
    if (!this.#hasSent) return;
    await Promise.allSettled(this.#underWay);
    const { AbortMultipartUploadCommand, DeleteObjectCommand } = await loadClient();
    const { client, bucket: Bucket, key: Key } = this.#target;
    if (this.#uploadId !== undefined) {
      const UploadId = this.#uploadId;
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    }
    // What was sent last may have made the object, whatever its answer was.
    await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(() => undefined);
  }

  async #send(command: S3Command): Promise<unknown> {
    // Of all but a part it has to be known what became of it.
    const isPart = command.input.PartNumber !== undefined;
    const options = isPart ? { abortSignal: this.#ending.signal } : {};
    const output = await this.#target.client.send(command as never, options);
    this.#uploadId ??= (output as { UploadId?: string }).UploadId;
    return output;
  }
}
