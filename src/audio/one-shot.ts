import type { UploadAudio } from '../contracts/index.js';
import { UnsupportedSourceError } from '../errors/index.js';
import { openChunks } from './open-chunks.js';
import type { OpenedStream } from './sources.js';
import { releaseStream } from './streams.js';

interface OneShot {
  readonly source: object;
  isConsumed(): boolean | Promise<boolean>;
  open(): OpenedStream | Iterable<Uint8Array>;
}

/** The members of a source that can be read only once. */
export function oneShot(stream: OneShot): Pick<UploadAudio, 'reopenable' | 'open' | 'discard'> {
  let opened = false;
  return {
    reopenable: false,
    async open() {
      const isFirst = !opened;
      // At once: from here on the stream belongs to who opens it, and is not to be discarded.
      opened = true;
      if (!isFirst || (await stream.isConsumed())) {
        throw new UnsupportedSourceError(
          'This stream was read already, and a stream can be read only once. ' +
            'Use fromStream(() => createStream()) so that it can be opened again.',
          { code: 'stream_consumed' },
        );
      }
      return openChunks(stream.open());
    },
    discard(reason?: unknown) {
      if (opened) return;
      opened = true;
      void releaseStream(stream.source, reason);
    },
  };
}
