import { bytesOf } from '../../internal/bytes.js';
import { type BodySettings, brokenOff, refuseAnnounced, release, stalled, tooLarge } from './body.js';
import { HttpProblem } from './problem.js';
import { StallWatch } from './stall-watch.js';

/** Audio on its way through: never held here, and counted while it flows. */
export interface AudioBody {
  /** With the content type of the request. To be read once. */
  readonly source: Response;
  /** Why the audio ended early, whatever became of the error on its way. Undefined where it did not. */
  problem(): HttpProblem | undefined;
}

/**
 * The body of a request, within its limits. A chunk is asked for when the one before is gone.
 *
 * @throws HttpProblem 413 for a body that announces more, and 400 for none.
 */
export function audioBodyOf(request: Request, { limits, clock }: BodySettings): AudioBody {
  const { maxAudioBytes: maxBytes, uploadIdleTimeoutMs: idleMs } = limits;
  refuseAnnounced(request, maxBytes);
  const { body } = request;
  const announced = request.headers.get('content-length');
  if (body === null || announced === '0') throw empty();
  // Not locked until it is read: the server may want to drop what nobody reads.
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  let problem: HttpProblem | undefined;
  let isOver = false;
  let count = 0;

  const watch = new StallWatch(clock, idleMs, () => fail(stalled(idleMs)));

  function end(reason?: HttpProblem): void {
    isOver = true;
    problem = reason;
    watch.end();
    // Not cancelled: on Node that would cut off the connection which the answer needs. The server drops the rest.
    release(reader);
  }

  function fail(reason: HttpProblem): void {
    end(reason);
    stream?.error(reason);
  }

  /** The next chunk; undefined at the end. */
  async function read(): Promise<Uint8Array | undefined> {
    reader ??= body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    watch.wait();
    const { done, value } = await reader.read();
    watch.rest();
    if (done) return undefined;
    const bytes = bytesOf(value);
    if (bytes === undefined) throw new TypeError('The body delivered something else than bytes.');
    return bytes;
  }

  const counted = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream = controller;
      },
      async pull(controller) {
        try {
          const bytes = await read();
          if (isOver) return;
          count += bytes?.byteLength ?? 0;
          if (count > maxBytes) throw tooLarge(maxBytes);
          if (bytes !== undefined) return controller.enqueue(bytes);
          if (count < Number(announced)) throw cutShort();
          end(count === 0 ? empty() : undefined);
          controller.close();
        } catch (error) {
          // A read that was waiting when nobody wanted the audio any more fails as well.
          if (isOver) return;
          fail(error instanceof HttpProblem ? error : brokenOff(error));
        }
      },
      cancel: () => end(),
    },
    { highWaterMark: 0 },
  );
  const contentType = request.headers.get('content-type') ?? 'application/octet-stream';
  return {
    source: new Response(counted, { headers: { 'content-type': contentType } }),
    problem: () => problem,
  };
}

function empty(): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: 'empty_source',
    detail: 'The body is empty. Send the audio in it.',
  });
}

/** What stands in front of the handlers has passed on a part of it: Next.js does so with 10 MB behind a proxy.ts. */
function cutShort(): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: 'broken_body',
    detail: 'Fewer bytes came than Content-Length announced.',
  });
}
