import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** What s3rver does with a request. */
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What is used of s3rver, which brings no types. */
interface S3rver {
  readonly logger: { readonly exceptions: { unhandle(): void } };
  readonly store: {
    putObject(object: StoredObject): Promise<{ size: number }>;
    getResourcePath(bucket: string, key: string, resource: 'object'): string;
    listObjects(
      bucket: string,
      options: { prefix: string; startAfter: string; maxKeys: number },
    ): Promise<{ objects: ListedObject[]; isTruncated: boolean }>;
  };
  configureBuckets(): Promise<unknown>;
  callback(): Handler;
  on(event: 'error', listener: () => void): void;
}

interface StoredObject {
  readonly bucket: string;
  readonly key: string;
}

interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModifiedDate: Date;
}

/** A request as the tests look at it: `PUT part`, `POST uploads`, `GET list`, `DELETE object` and so on. */
export type S3Operation = string;

export interface S3Answer {
  readonly status: number;
  /** S3's name of the error. */
  readonly code: string;
  readonly message?: string;
}

/** A server of S3's protocol, on the loopback, with a bucket of its own in a folder of its own. */
export interface S3Server {
  readonly port: number;
  readonly url: string;
  readonly bucket: string;
  /** All requests since the start. */
  readonly operations: readonly S3Operation[];
  /** Answers with an error in place of the server, where it returns one. */
  fail: ((operation: S3Operation) => S3Answer | undefined) | undefined;
  /** Most objects of one list. Default 1000. */
  pageSize: number;
  /** Holds requests until it resolves; they are handled then. */
  hold: ((operation: S3Operation) => Promise<void> | undefined) | undefined;
  /** A client of this server, or of something that stands before it. */
  client(config?: S3ClientConfig): S3Client;
  /** The keys of all objects, complete or not. */
  keys(): string[];
  /** The ids of multipart uploads that were neither completed nor aborted. */
  uploads(): string[];
  close(): Promise<void>;
}

/** The server knows this key, and looks at no secret. */
export const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'the-secret-of-the-access-key' };
const OBJECT_SUFFIX = '._S3rver_object';
const UPLOADS_FOLDER = '._S3rver_uploads';
const BUCKET = 'audio-bucket';
const NO_SUCH_UPLOAD: S3Answer = { status: 404, code: 'NoSuchUpload' };

export async function startS3Server(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'transcription-client-s3-'));
  const s3rver = await loadS3rver(directory);
  const handle = s3rver.callback();
  const operations: S3Operation[] = [];
  const clients: S3Client[] = [];

  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const operation = operationOf(request.method ?? '', url);
    operations.push(operation);
    await server.hold?.(operation);
    const answer = server.fail?.(operation);
    if (answer !== undefined) sendError(request, response, answer);
    else if (operation === 'PUT part') await putPart(join(directory, BUCKET), url, request, response);
    else if (operation === 'DELETE upload') abortUpload(join(directory, BUCKET), url, request, response);
    else if (operation === 'GET list') await sendList(s3rver, url, response, server.pageSize);
    else handle(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;

  const server: S3Server = {
    port,
    url: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    operations,
    fail: undefined,
    hold: undefined,
    pageSize: 1000,
    client(config = {}) {
      const client = new S3Client({
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: CREDENTIALS,
        ...config,
      });
      clients.push(client);
      return client;
    },
    keys: () => keysOf(join(directory, BUCKET)),
    uploads: () => namesIn(join(directory, BUCKET, UPLOADS_FOLDER)),
    async close() {
      for (const client of clients) client.destroy();
      await closeServer(http);
      s3rver.logger.exceptions.unhandle();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return server;
}

async function loadS3rver(directory: string): Promise<S3rver> {
  // @ts-expect-error: it brings no types.
  const { default: S3rverServer } = await import('s3rver');
  const s3rver = new S3rverServer({
    directory,
    silent: true,
    configureBuckets: [{ name: BUCKET }],
  }) as S3rver;
  // Connections that break are a part of the tests.
  s3rver.on('error', () => undefined);
  await s3rver.configureBuckets();
  answerWhenWritten(s3rver);
  return s3rver;
}

/** By itself it answers when it has read the body, which may be before the file has all of it. */
function answerWhenWritten({ store }: S3rver): void {
  const putObject = store.putObject.bind(store);
  store.putObject = async (object) => {
    const stored = await putObject(object);
    const path = store.getResourcePath(object.bucket, object.key, 'object');
    // It may have been deleted meanwhile.
    for (let tries = 0; tries < 2000 && sizeOf(path) !== stored.size; tries++) await sleep(1);
    return stored;
  };
}

/** Undefined where the file was deleted, or is not made yet. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function operationOf(method: string, { pathname, searchParams }: URL): S3Operation {
  const isBucket = pathname.split('/').filter(Boolean).length < 2;
  if (isBucket) return `${method} ${searchParams.has('list-type') ? 'list' : 'bucket'}`;
  if (searchParams.has('partNumber')) return `${method} part`;
  if (searchParams.has('uploads')) return `${method} uploads`;
  if (searchParams.has('uploadId')) return `${method} upload`;
  return `${method} object`;
}

function sendError(request: IncomingMessage, response: ServerResponse, answer: S3Answer): void {
  const { status, code, message = 'It was refused.' } = answer;
  const send = (): void => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    const text = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  // Read to its end, so that the answer is not lost with the connection.
  if (request.readableEnded) send();
  else request.resume().once('end', send);
}

/** s3rver would keep half of a part, and make the upload anew that the part belonged to. */
async function putPart(
  bucketFolder: string,
  { searchParams }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A body that breaks off belongs to nobody.
  const body = await request.toArray().then(Buffer.concat, () => undefined);
  const id = searchParams.get('uploadId') ?? '';
  if (body === undefined) return;
  if (!namesIn(join(bucketFolder, UPLOADS_FOLDER)).includes(id)) {
    sendError(request, response, NO_SUCH_UPLOAD);
    return;
  }
  const md5 = createHash('md5').update(body).digest('hex');
  const path = join(bucketFolder, UPLOADS_FOLDER, id, searchParams.get('partNumber') ?? '');
  writeFileSync(path, body);
  writeFileSync(`${path}.md5`, md5);
  response.writeHead(200, { etag: `"${md5}"` }).end();
}

/** s3rver does not know it. */
function abortUpload(
  bucketFolder: string,
  { searchParams }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const id = searchParams.get('uploadId') ?? '';
  if (!namesIn(join(bucketFolder, UPLOADS_FOLDER)).includes(id)) {
    sendError(request, response, NO_SUCH_UPLOAD);
    return;
  }
  rmSync(join(bucketFolder, UPLOADS_FOLDER, id), { recursive: true, force: true });
  response.writeHead(204).end();
}

/** s3rver encrypts its continuation tokens with a cipher that Node has no more. */
async function sendList(
  s3rver: S3rver,
  { pathname, searchParams }: URL,
  response: ServerResponse,
  maxKeys: number,
): Promise<void> {
  const bucket = pathname.replaceAll('/', '');
  const { objects, isTruncated } = await s3rver.store.listObjects(bucket, {
    prefix: searchParams.get('prefix') ?? '',
    startAfter: searchParams.get('continuation-token') ?? '',
    maxKeys,
  });
  const contents = objects.map(
    ({ key, size, lastModifiedDate }) =>
      `<Contents><Key>${key}</Key><Size>${size}</Size>` +
      `<LastModified>${lastModifiedDate.toISOString()}</LastModified></Contents>`,
  );
  const next = isTruncated ? `<NextContinuationToken>${objects.at(-1)?.key}</NextContinuationToken>` : '';
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(
    `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
  );
}

function keysOf(bucketFolder: string): string[] {
  return readdirSync(bucketFolder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(OBJECT_SUFFIX) && statSync(join(bucketFolder, path)).isFile())
    .map((path) => path.slice(0, -OBJECT_SUFFIX.length));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
