import type { IncomingMessage } from 'node:http';
import { AbortedError } from '../../errors/index.js';

/**
 * The body of a request as a Web stream, one chunk for each that is asked for. Nothing is read before.
 *
 * `Readable.toWeb()` would destroy the connection where the body is not wanted, and the answer with it.
 */
export class BodyStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #incoming: IncomingMessage;
  #isAttached = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #chunkTaken: () => void = () => undefined;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#detach(),
      },
      { highWaterMark: 0 },
    );
  }

  /** The request was answered: whoever still reads must not take what came so far for all of it. */
  abandon(): void {
    this.#fail('The request was answered before the whole of it had come.');
  }

  #pull(): Promise<void> {
    if (!this.#isAttached) this.#attach();
    return new Promise((resolve) => {
      this.#chunkTaken = resolve;
      this.#incoming.resume();
    });
  }

  #attach(): void {
    this.#isAttached = true;
    this.#incoming.pause();
    this.#incoming.on('data', this.#onData).on('end', this.#onEnd);
    this.#incoming.on('error', this.#onBreak).on('close', this.#onBreak);
    if (this.#incoming.readableEnded) this.#onEnd();
    else if (this.#incoming.destroyed) this.#onBreak();
  }

  /** Whoever else reads on finds the stream paused. */
  #detach(): void {
    this.#incoming.off('data', this.#onData).off('end', this.#onEnd);
    // The listener for errors stays: one without would end the process.
    this.#incoming.off('close', this.#onBreak);
    if (this.#isAttached) this.#incoming.pause();
    this.#controller = undefined;
    this.#chunkTaken();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#incoming.pause();
    this.#controller?.enqueue(chunk);
    this.#chunkTaken();
  };

  readonly #onEnd = (): void => {
    this.#controller?.close();
    this.#detach();
  };

  readonly #onBreak = (): void => {
    this.#fail('The connection was closed before the whole request had come. Send it again.');
  };

  #fail(message: string): void {
    this.#controller?.error(new AbortedError(message, { code: 'aborted' }));
    this.#detach();
  }
}
