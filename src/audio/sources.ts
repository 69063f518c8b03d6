import type { ByteIterable, FileSource, StreamSource } from '../contracts/index.js';
import { BadRequestError } from '../errors/index.js';
import { checkOptions } from '../internal/check-arguments.js';

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
 * @throws BadRequestError where the path or the root is no string or is empty.
 */
export function fromFile(path: string, options: { root?: string } = {}): FileSource {
  if (typeof path !== 'string' || path === '') {
    throw invalid('fromFile() takes the path of a file as a string that is not empty.');
  }
  checkOptions('fromFile()', options, ['root']);
  // An undefined root, such as a missing setting, must not switch the check off in silence.
  if ('root' in options && (typeof options.root !== 'string' || options.root === '')) {
    throw invalid(
      'The option root of fromFile() must be the path of a folder. Leave it out to allow any path.',
    );
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
 * @throws BadRequestError where `open` is no function or `contentType` no MIME type.
 */
export function fromStream(
  open: () => OpenedStream | Promise<OpenedStream>,
  options: { contentType?: string } = {},
): StreamSource {
  if (typeof open !== 'function') {
    throw invalid(
      'fromStream() takes a function that returns a new stream, such as fromStream(() => createReadStream(path)).',
    );
  }
  checkOptions('fromStream()', options, ['contentType']);
  const { contentType } = options;
  if (contentType !== undefined && (typeof contentType !== 'string' || !MIME_TYPE.test(contentType))) {
    throw invalid("The option contentType of fromStream() must be a MIME type, such as 'audio/wav'.");
  }
  const source: BrandedStream = {
    kind: 'reopenable-stream',
    openStream: open,
    ...(contentType === undefined ? {} : { contentType }),
  };
  return brand(source);
}

/** Nothing that a header could not carry. */
const MIME_TYPE = /^[\w.+-]{1,200}\/[\w.+-]{1,200}[\t\x20-\x7e]{0,1000}$/;

function invalid(message: string): BadRequestError {
  return new BadRequestError(message, { code: 'invalid_option' });
}

/** JSON cannot carry a symbol, so no parsed request body passes for one of these. */
export function isBranded(value: object): value is BrandedFile | BrandedStream {
  return (value as Record<symbol, unknown>)[BRAND] === true;
}

function brand<Source extends object>(source: Source): Source {
  Object.defineProperty(source, BRAND, { value: true });
  return Object.freeze(source);
}
