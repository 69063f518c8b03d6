import type { LiveEvent } from '../contracts/index.js';
import type { AudioChunk } from './audio-bytes.js';
import type { Intake } from './intake.js';

/** Closing it finishes the session, aborting it aborts the session; a failed session makes it fail. */
export function toWritable(intake: Intake): WritableStream<AudioChunk> {
  return new WritableStream<AudioChunk>({
    start: (controller) => {
      intake.outcome.catch((error: unknown) => controller.error(error));
    },
    write: (chunk) => intake.send(chunk),
    close: async () => {
      await intake.finish();
    },
    abort: (reason: unknown) => intake.abort(reason),
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
