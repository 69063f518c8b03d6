import type { ByteIterable, FileSource, StreamSource } from '../contracts/index.js';
import { BadRequestError } from '../errors/index.js';

const BRAND = Symbol.for('transcription-client.audio-source');

/** @internal What `fromFile()` made, with the options that stay out of its public shape. */
export interface BrandedFile extends FileSource {
  readonly root: string | undefined;
}

/** @internal */
export interface BrandedStream extends StreamSource {
  readonly openStream: () => OpenedStream | Promise<OpenedStream>;
}

export type OpenedStream = ByteIterable | ReadableStream<Uint8Array>;

/**
 * Names a local file as the audio. It is opened anew for every attempt, so it can be retried.
 *
 * @param path Absolute, or relative to the working directory; with `root`, relative to the root.
 * @param options.root A folder that the file must lie in, symbolic links resolved. Set it wherever any part
 *   of the path comes from a user.
 * @throws BadRequestError where the path is no string or is empty.
 */
export function fromFile(path: string, options: { root?: string } = {}): FileSource {
  if (typeof path !== 'string' || path === '') {
    throw new BadRequestError('fromFile() takes the path of a file as a string that is not empty.', {
      code: 'invalid_option',
    });
  }
  const source: BrandedFile = { kind: 'file', path, root: options.root };
  return brand(source);
}

/**
 * Makes a source of a function that opens a new stream of the same audio each time it is called. Unlike a
 * stream itself, it can be retried and queued.
 *
 * @param open Called once for every attempt.
 * @param options.contentType MIME type of the audio, if known.
 * @throws BadRequestError where `open` is no function.
 */
export function fromStream(
  open: () => OpenedStream | Promise<OpenedStream>,
  options: { contentType?: string } = {},
): StreamSource {
  if (typeof open !== 'function') {
    throw new BadRequestError(
      'fromStream() takes a function that returns a new stream, such as fromStream(() => createReadStream(path)).',
      { code: 'invalid_option' },
    );
  }
  const source: BrandedStream = { kind: 'reopenable-stream', openStream: open, ...options };
  return brand(source);
}

/** JSON cannot carry a symbol, so no parsed request body passes for one of these. */
export function isBranded(value: object): value is BrandedFile | BrandedStream {
  return (value as Record<symbol, unknown>)[BRAND] === true;
}

function brand<Source extends object>(source: Source): Source {
  Object.defineProperty(source, BRAND, { value: true });
  return Object.freeze(source);
}
