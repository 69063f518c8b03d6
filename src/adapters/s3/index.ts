import { checkPutOptions, IncomingAudio } from '../../audio/incoming-audio.js';
import { audioNotFound, isRef, purgeTime } from '../../audio/stored-refs.js';
import type { OpenedAudio } from '../../contracts/audio-source.js';
import type { AudioStore, PutAudioOptions, StoredAudio } from '../../contracts/audio-store.js';
import { StorageError } from '../../errors/index.js';
import { abortError, onAbort, throwIfAborted } from '../../internal/abort.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { createId } from '../../internal/ids.js';
import { checkNumber, invalidOption } from '../../internal/validate.js';
import { openDownload } from './download.js';
import { typed } from './errors.js';
import { type S3AudioStoreOptions, type S3Settings, settingsOf } from './options.js';
import { purgeBucket } from './purge.js';
import { loadClient, loadPresigner } from './sdk.js';
import { uploadAudio } from './upload.js';

export type { S3AudioStoreOptions, S3ClientLike } from './options.js';

/**
 * Keeps audio in a bucket of S3, or of a server that speaks its protocol.
 *
 * Needs @aws-sdk/client-s3 and @aws-sdk/lib-storage, and for signed URLs @aws-sdk/s3-request-presigner. Rights:
 * s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload, and s3:ListBucket, without which audio
 * that is missing looks like access that is denied.
 *
 * A put that fails deletes what it sent. What a process leaves that is killed in the middle of a put is no audio,
 * but costs: give the bucket a life cycle rule that aborts incomplete multipart uploads after a day.
 *
 * `url()` looks whether the audio is there; a URL lasts no longer than the credentials that sign it. `purge()` goes
 * by the time that S3 shows, which is of S3's clock and in whole seconds. `health()` writes a few bytes, reads
 * them and deletes them, because a look at the bucket would not tell that it cannot be written to: three requests
 * that are billed, and a version where the bucket keeps versions.
 *
 * Failures are StorageErrors: `storage_unavailable` is retryable where the network or S3 failed, and is not where
 * access, bucket or region are wrong. None of them holds a signed URL or a credential.
 *
 * @throws BadRequestError for a wrong option.
 */
export function createS3AudioStore(options: S3AudioStoreOptions): AudioStore {
  return new S3AudioStore(settingsOf(options));
}

/** What S3 signs a URL for at most. */
const LONGEST_URL_SECONDS = 7 * 24 * 60 * 60;

const PROBE = new Uint8Array([0, 1, 254, 255]);

class S3AudioStore implements AudioStore {
  readonly capabilities = { shared: true, durable: true };
  /** A member only where URLs are given out. */
  declare readonly url?: NonNullable<AudioStore['url']>;
  readonly #settings: S3Settings;

  constructor(settings: S3Settings) {
    this.#settings = settings;
    if (settings.presign) this.url = (ref, options) => this.#url(ref, options);
  }

  async put(audio: AsyncIterable<Uint8Array>, options: PutAudioOptions = {}): Promise<StoredAudio> {
    checkPutOptions(options);
    const { signal } = options;
    const ending = new AbortController();
    const stopListening = onAbort(signal, () => ending.abort(abortError(signal as AbortSignal)));
    try {
      return await this.#put(audio, options.contentType, ending);
    } finally {
      stopListening();
    }
  }

  async open(ref: string): Promise<OpenedAudio> {
    const at = this.#placeOf(ref);
    const { GetObjectCommand } = await loadClient();
    const answering = this.#settings.client.send(new GetObjectCommand(at));
    return openDownload(await typed('The audio cannot be read from S3', answering));
  }

  async delete(ref: string): Promise<boolean> {
    if (!isRef(ref) || !(await this.#isThere(ref))) return false;
    const { DeleteObjectCommand } = await loadClient();
    const deleting = this.#settings.client.send(new DeleteObjectCommand(this.#placeOf(ref)));
    await typed('The audio cannot be deleted from S3', deleting);
    return true;
  }

  async purge(query: { readonly createdBefore: string }): Promise<number> {
    const beforeMs = purgeTime(query);
    return typed('The audio in S3 cannot be purged', purgeBucket(this.#settings, beforeMs));
  }

  async health(): Promise<void> {
    const { ref } = await this.put(probe());
    try {
      await this.#checkProbe(ref);
    } finally {
      await this.delete(ref);
    }
  }

  async #put(
    audio: AsyncIterable<Uint8Array>,
    contentType: string | undefined,
    ending: AbortController,
  ): Promise<StoredAudio> {
    const { client, bucket, partBytes, maxBytes, prefix } = this.#settings;
    const incoming = new IncomingAudio(audio, { maxBytes, signal: ending.signal });
    const ref = createId('aud');
    try {
      throwIfAborted(ending.signal);
      const target = { client, bucket, partBytes, contentType, key: prefix + ref };
      await uploadAudio(incoming, target, ending);
      return { ref, sizeBytes: incoming.sizeBytes };
    } finally {
      incoming.release();
    }
  }

  async #url(ref: string, options: { readonly expiresInSeconds: number }): Promise<string> {
    checkOptions('url()', options, ['expiresInSeconds']);
    const { expiresInSeconds } = options;
    if (expiresInSeconds === undefined) throw invalidOption('expiresInSeconds', 'a number', undefined);
    checkNumber('expiresInSeconds', expiresInSeconds, { min: 1, max: LONGEST_URL_SECONDS });
    const at = this.#placeOf(ref);
    if (!(await this.#isThere(ref))) throw audioNotFound();
    const [{ GetObjectCommand }, { getSignedUrl }] = await Promise.all([loadClient(), loadPresigner()]);
    const signing = getSignedUrl(this.#settings.client, new GetObjectCommand(at), {
      expiresIn: expiresInSeconds,
    });
    return typed('The URL of the audio cannot be signed', signing);
  }

  async #checkProbe(ref: string): Promise<void> {
    const { chunks } = await this.open(ref);
    const read: Uint8Array[] = [];
    for await (const chunk of chunks) read.push(chunk);
    if (Buffer.concat(read).equals(PROBE)) return;
    throw new StorageError('What was written is not what is read. Check what stands before the bucket.', {
      code: 'storage_corrupt',
    });
  }

  async #isThere(ref: string): Promise<boolean> {
    const { HeadObjectCommand } = await loadClient();
    const looking = this.#settings.client.send(new HeadObjectCommand(this.#placeOf(ref)));
    try {
      await typed('The audio cannot be found in S3', looking);
      return true;
    } catch (error) {
      if ((error as StorageError).code === 'audio_not_found') return false;
      throw error;
    }
  }

  /** @throws StorageError with code `audio_not_found` where the ref is none. */
  #placeOf(ref: string): { readonly Bucket: string; readonly Key: string } {
    if (!isRef(ref)) throw audioNotFound();
    const { bucket, prefix } = this.#settings;
    return { Bucket: bucket, Key: prefix + ref };
  }
}

async function* probe(): AsyncGenerator<Uint8Array> {
  yield PROBE;
}
