import type { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_MAX_BYTES } from '../../audio/incoming-audio.js';
import { checkOptions } from '../../internal/check-arguments.js';
import { checkBoolean, checkMethods, checkNumber, invalidOption } from '../../internal/validate.js';

/** What is used of an `S3Client` of @aws-sdk/client-s3. */
export interface S3ClientLike {
  readonly config: object;
  send(command: never): Promise<unknown>;
}

export interface S3AudioStoreOptions {
  /** Your own `S3Client` of @aws-sdk/client-s3. It is not closed. */
  readonly client: S3ClientLike;
  readonly bucket: string;
  /**
   * What the keys of the audio begin with. Letters, digits and `!-_.*'()/`. Default `transcription-client/`.
   */
  readonly prefix?: string;
  /**
   * Gives out signed URLs, from which Deepgram fetches the audio itself. Default true. Say false where Deepgram
   * cannot reach the bucket.
   */
  readonly presign?: boolean;
  /** Size of the parts in which audio is sent, in bytes. Default 8 MiB, least 5 MiB. A put holds up to three. */
  readonly partBytes?: number;
  /** The largest audio, in bytes. Default 2 GiB, which is Deepgram's limit. */
  readonly maxBytes?: number;
}

export interface S3Settings extends Omit<Required<S3AudioStoreOptions>, 'client'> {
  readonly client: S3Client;
}

const MEBIBYTE = 1024 * 1024;
/** Of S3, for all parts but the last. */
const LEAST_PART_BYTES = 5 * MEBIBYTE;
const LARGEST_PART_BYTES = 1024 * MEBIBYTE;
/** Of S3, for one object. */
const MOST_PARTS = 10_000;

/** The characters that every server of S3's kind takes. */
const PREFIX = /^[\w!\-.*'()/]{0,512}$/;

const KNOWN: readonly (keyof S3AudioStoreOptions)[] = [
  'client',
  'bucket',
  'prefix',
  'presign',
  'partBytes',
  'maxBytes',
];

/** @throws BadRequestError for a wrong option. */
export function settingsOf(options: S3AudioStoreOptions): S3Settings {
  checkOptions('createS3AudioStore()', options, KNOWN);
  const {
    client,
    bucket,
    prefix = 'transcription-client/',
    presign = true,
    partBytes = 8 * MEBIBYTE,
    maxBytes = DEFAULT_MAX_BYTES,
  } = options;
  if (client === undefined) throw invalidOption('client', 'an S3Client of @aws-sdk/client-s3', client);
  checkMethods('client', client, ['send']);
  if (typeof bucket !== 'string' || bucket === '')
    throw invalidOption('bucket', 'the name of a bucket', bucket);
  checkPrefix(prefix);
  checkBoolean('presign', presign);
  checkNumber('maxBytes', maxBytes, { min: 1, max: Number.MAX_SAFE_INTEGER });
  checkNumber('partBytes', partBytes, { min: LEAST_PART_BYTES, max: LARGEST_PART_BYTES });
  if (partBytes * MOST_PARTS < maxBytes) {
    throw invalidOption('partBytes', `at least a ${MOST_PARTS}th of maxBytes`, partBytes);
  }
  return { client: client as unknown as S3Client, bucket, prefix, presign, partBytes, maxBytes };
}

/** A folder `..` would be resolved by whatever stands before the bucket. */
function checkPrefix(prefix: unknown): void {
  const isFit =
    typeof prefix === 'string' &&
    PREFIX.test(prefix) &&
    !prefix.startsWith('/') &&
    !prefix.split('/').some((part) => part === '.' || part === '..');
  if (!isFit) throw invalidOption('prefix', "a text of letters, digits and !-_.*'()/", prefix);
}
