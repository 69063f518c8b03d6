import type { LiveEvent } from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';
import type { LiveControls } from './session-types.js';

/** Closing it finishes the session, aborting it aborts the session; a failed session makes it fail. */
export function toWritable(controls: LiveControls): WritableStream<AudioChunk> {
  return new WritableStream<AudioChunk>({
    start: (controller) => {
      controls.outcome.catch((error: unknown) => controller.error(error));
      // The stream's own abort() would come only after a write that may be waiting for ever.
      controller.signal.addEventListener('abort', () => controls.abort(controller.signal.reason));
    },
    write: (chunk) => controls.send(chunk),
    close: async () => {
      await controls.finish();
    },
  });
}

/** Takes the one place of the consumer. Cancelling it leaves the session alone. */
export function toReadable(events: AsyncIterable<LiveEvent>): ReadableStream<LiveEvent> {
  const iterator = events[Symbol.asyncIterator]();
  return new ReadableStream<LiveEvent>(
    {
      pull: async (controller) => {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
