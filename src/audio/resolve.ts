import type { AudioSource, ResolvedSource, UploadAudio, UrlAudio } from '../contracts/index.js';
import { UnsupportedSourceError } from '../errors/index.js';
import { bytesOf } from '../internal/bytes.js';
import { redactUrl } from '../net/redact.js';
import { oneShot } from './one-shot.js';
import { openChunks } from './open-chunks.js';
import { openFile } from './open-file.js';
import { type BrandedFile, type BrandedStream, isBranded, type OpenedStream } from './sources.js';
import { isAsyncIterable, isFetchBody, isResponse, isWebStream, keepErrors } from './streams.js';

const UPLOADS =
  'fromFile(path), a Uint8Array or ArrayBuffer, a Blob or File, a stream, fromStream(() => stream), ' +
  'a Request or a Response.';

/**
 * Looks at a source without reading it.
 *
 * @throws UnsupportedSourceError for everything that is no audio source.
 */
export function resolveSource(source: AudioSource): ResolvedSource {
  if (typeof source === 'string') return resolveUrl(source);
  if (source instanceof URL) return resolveUrl(source.href);
  return resolveUpload(source, `Pass an http(s) URL, ${UPLOADS}`);
}

/** Like `resolveSource()`, for audio that is read here and not by Deepgram: everything but a URL. */
export function resolveUpload(source: unknown, accepted = `Pass ${UPLOADS}`): UploadAudio {
  if (typeof source !== 'object' || source === null) {
    throw unsupported(`${describe(source)} is no audio source. ${accepted}`);
  }
  if (isBranded(source)) return source.kind === 'file' ? resolveFile(source) : resolveReopenable(source);
  const upload = resolveBytes(source) ?? resolveBody(source) ?? resolveStream(source);
  return upload ?? refusePlainObject(source, accepted);
}

/** Signed URLs stay far below. Longer ones take long to parse, which is for nobody to ask of a server. */
const MAX_URL_LENGTH = 16_384;

function resolveUrl(text: string): UrlAudio {
  if (text.length > MAX_URL_LENGTH) {
    throw new UnsupportedSourceError(
      `A string is taken as an http(s) URL of at most ${MAX_URL_LENGTH} characters, and this one is longer. ` +
        'For a local file use fromFile(path).',
      { code: 'not_a_url' },
    );
  }
  const url = parseUrl(text);
  if (url === undefined) {
    throw new UnsupportedSourceError(
      'A string is taken as an http(s) URL, and this one is none. For a local file use fromFile(path).',
      { code: 'not_a_url' },
    );
  }
  return { kind: 'url', url: url.href, label: redactUrl(url.href) };
}

function parseUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = (url.protocol === 'http:' || url.protocol === 'https:') && /^https?:\/\//i.test(text.trim());
  return isWeb && url.hostname !== '' ? url : undefined;
}

function resolveFile(source: BrandedFile): UploadAudio {
  return {
    kind: 'file',
    label: `file ${source.path.split(/[\\/]/).at(-1)}`,
    reopenable: true,
    open: () => openFile(source),
  };
}

function resolveReopenable(source: BrandedStream): UploadAudio {
  return {
    kind: 'reopenable-stream',
    label: 'stream',
    reopenable: true,
    ...(source.contentType === undefined ? {} : { contentType: source.contentType }),
    async open() {
      return openChunks(await openAgain(source));
    },
  };
}

async function openAgain(source: BrandedStream): Promise<OpenedStream> {
  try {
    return await source.openStream();
  } catch (cause) {
    throw new UnsupportedSourceError(
      'The function that fromStream() was given failed. Its error is the cause.',
      {
        code: 'stream_failed',
        cause,
      },
    );
  }
}

function resolveBytes(source: object): UploadAudio | undefined {
  if (source instanceof Blob) {
    return {
      kind: 'blob',
      label: 'blob',
      reopenable: true,
      sizeBytes: source.size,
      ...(source.type === '' ? {} : { contentType: source.type }),
      async open() {
        refuseEmpty(source.size);
        return { ...openChunks(source.stream()), sizeBytes: source.size };
      },
    };
  }
  const bytes = bytesOf(source);
  if (bytes === undefined) return undefined;
  return {
    kind: 'bytes',
    label: 'bytes',
    reopenable: true,
    sizeBytes: bytes.byteLength,
    async open() {
      refuseEmpty(bytes.byteLength);
      return { bytes, sizeBytes: bytes.byteLength, chunks: once(bytes), close: async () => undefined };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function resolveBody(source: object): UploadAudio | undefined {
  if (!isFetchBody(source)) return undefined;
  const contentType = source.headers.get('content-type');
  refuseForeignBody(source, contentType);
  return {
    kind: 'http-body',
    label: 'http body',
    ...(contentType === null ? {} : { contentType }),
    ...oneShot({
      source,
      isConsumed: () => source.bodyUsed,
      open() {
        if (source.body === null) refuseEmpty(0);
        return source.body ?? [];
      },
    }),
  };
}

function resolveStream(source: object): UploadAudio | undefined {
  if (isWebStream(source)) {
    return {
      kind: 'stream',
      label: 'stream',
      ...oneShot({
        source,
        isConsumed: () => isConsumedWebStream(source),
        open: () => source,
      }),
    };
  }
  if (!isAsyncIterable(source)) return undefined;
  keepErrors(source);
  return {
    kind: 'stream',
    label: 'stream',
    ...oneShot({
      source,
      isConsumed: () => isConsumedReadable(source),
      open: () => source,
    }),
  };
}

/** Node's streams tell; other iterables do not, and are only guarded against a second use by us. */
function isConsumedReadable(stream: object): boolean {
  const { readableEnded, destroyed, readableDidRead, errored } = stream as Record<string, unknown>;
  // A stream that broke is opened all the same: reading it tells how it broke.
  if (errored instanceof Error) return false;
  return readableEnded === true || destroyed === true || readableDidRead === true;
}

/** A stream without a lock may have been read all the same. */
async function isConsumedWebStream(stream: ReadableStream): Promise<boolean> {
  if (stream.locked) return true;
  // Without Node only the lock tells.
  const node = await import('node:stream').catch(() => undefined);
  if (node === undefined) return false;
  // As above: a stream that broke tells why when it is read.
  return node.Readable.isDisturbed(stream as never) && !node.isErrored(stream as never);
}

const NO_AUDIO = /^(text\/|multipart\/|application\/(json|xml|x-www-form-urlencoded|[\w.-]+\+(json|xml))\b)/i;

/** Deepgram would take such a body for audio, or for a request of its own. */
function refuseForeignBody(source: Request | Response, contentType: string | null): void {
  if (isResponse(source) && !source.ok) {
    throw unsupported(
      `This Response is no audio: its status is ${source.status}. Check response.ok before you pass it on.`,
    );
  }
  if (contentType === null || !NO_AUDIO.test(contentType.trim())) return;
  const name = isResponse(source) ? 'response' : 'request';
  throw unsupported(
    `The body of this ${name} is no audio by its content-type. Take the audio out first: of a form with ` +
      `(await ${name}.formData()).get('file'), of JSON its URL with (await ${name}.json()).url.`,
  );
}

function describe(value: unknown): string {
  return value === null || value === undefined ? String(value) : `A ${typeof value}`;
}

function refusePlainObject(source: object, accepted: string): never {
  const hint =
    'path' in source || 'url' in source
      ? ' A plain object is never a source: use fromFile(path) for a file, and the string itself for a URL.'
      : '';
  throw unsupported(`This object is no audio source.${hint} ${accepted}`);
}

/** @throws UnsupportedSourceError with code `empty_source`. */
export function refuseEmpty(sizeBytes: number): void {
  if (sizeBytes > 0) return;
  throw new UnsupportedSourceError('The audio is empty (0 bytes). Check where it is read from.', {
    code: 'empty_source',
  });
}

function unsupported(message: string): UnsupportedSourceError {
  return new UnsupportedSourceError(message, { code: 'unsupported_source' });
}
