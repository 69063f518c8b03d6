import type { S3Client } from '@aws-sdk/client-s3';
import { isRef } from '../../audio/stored-refs.js';
import { defined } from '../../internal/defined.js';
import { loadClient } from './sdk.js';

/** So many objects are deleted at once. Not all of S3's kind can delete several with one request. */
const DELETED_AT_ONCE = 8;

interface Place {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

/** Deletes audio older than the time. Resolves to how much there was. */
export async function purgeBucket({ client, bucket, prefix }: Place, beforeMs: number): Promise<number> {
  const { ListObjectsV2Command, DeleteObjectCommand } = await loadClient();
  let count = 0;
  let cursor: string | undefined;
  do {
    const { Contents = [], NextContinuationToken } = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: `${prefix}aud_`,
        ...defined({ ContinuationToken: cursor }),
      }),
    );
    const old = Contents.flatMap(({ Key = '', LastModified }) =>
      isRef(Key.slice(prefix.length)) && LastModified !== undefined && LastModified.getTime() < beforeMs
        ? [Key]
        : [],
    );
    for (let start = 0; start < old.length; start += DELETED_AT_ONCE) {
      const some = old.slice(start, start + DELETED_AT_ONCE);
      await Promise.all(some.map((Key) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))));
    }
    count += old.length;
    cursor = NextContinuationToken;
  } while (cursor !== undefined);
  return count;
}
