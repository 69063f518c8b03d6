/**
 * The stream of an upload. Fetch reads on in Node 20 although the request has ended, and from an endless source for ever,
 * so that it gets a stream of ours, which can be ended.
 */
export class UploadStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(source: ReadableStream<Uint8Array>) {
    this.#reader = source.getReader();
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: async (controller) => {
          const { done, value } = await this.#reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => this.#reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Cancels the source, unless it has come to its end. What went up of it must not look like all of it. */
  end(reason: unknown): void {
    this.#controller?.error(reason);
    this.#reader.cancel(reason).catch(() => undefined);
  }
}
