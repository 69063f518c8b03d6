import type { JobEvent } from 'transcription-client';

/** What is between two blank lines of a stream of server-sent events. */
export interface Block {
  readonly comment?: string;
  readonly retry?: string;
  readonly event?: string;
  readonly id?: string;
  readonly data?: JobEvent;
}

/** Reads an answer as a browser does, one block at a time. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor(response: Response) {
    if (response.body === null) throw new Error(`The answer ${response.status} has no body.`);
    this.#reader = response.body.getReader();
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<Block | undefined> {
    while (!this.#text.includes('\n\n')) {
      const { done, value } = await this.#reader.read();
      if (done && this.#text !== '') throw new Error(`The stream ends within a block: ${this.#text}`);
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
    const end = this.#text.indexOf('\n\n');
    const block = parse(this.#text.slice(0, end));
    this.#text = this.#text.slice(end + 2);
    return block;
  }

  /** The next event, without what is none. Undefined at the end. */
  async nextEvent(): Promise<Block | undefined> {
    for (;;) {
      const block = await this.next();
      if (block === undefined || block.event !== undefined) return block;
    }
  }

  async rest(): Promise<Block[]> {
    const blocks: Block[] = [];
    for (let block = await this.nextEvent(); block !== undefined; block = await this.nextEvent())
      blocks.push(block);
    return blocks;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

function parse(text: string): Block {
  const fields: [string, unknown][] = text.split('\n').map((line) => {
    const colon = line.indexOf(': ');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 2);
    return name === '' ? ['comment', value] : [name, name === 'data' ? JSON.parse(value) : value];
  });
  return Object.fromEntries(fields);
}
