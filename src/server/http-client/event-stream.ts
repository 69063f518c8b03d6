/** One event of a `text/event-stream`. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  /** The last id that the stream has given, this event's or an earlier one's. */
  readonly id: string | undefined;
}

/** What whoever reads a stream may hear of it besides its events. */
export interface StreamListeners {
  /** Bytes are waited for. */
  readonly onWait?: () => void;
  /** They came: an event, a part of one, or a heartbeat. */
  readonly onBytes?: () => void;
  /** The server asks to wait so long before another connection. */
  readonly onRetry?: (delayMs: number) => void;
}

/** Characters. A line of more is no event of this API's. */
const MAX_LINE_LENGTH = 1_000_000;

/** The events of a body, by the rules of the HTML standard. Rejects where the body does. Cancels what it has not read. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  listeners: StreamListeners = {},
): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser(listeners);
  try {
    for (;;) {
      listeners.onWait?.();
      const { done, value } = await reader.read();
      if (done) return;
      listeners.onBytes?.();
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

class EventParser {
  readonly #listeners: StreamListeners;
  /** Of a line whose end has not come. */
  #rest = '';
  #carriageReturn = '';
  #type = '';
  #data: string[] = [];
  #id: string | undefined;

  constructor(listeners: StreamListeners) {
    this.#listeners = listeners;
  }

  /** Each character is looked at once, however the lines are cut. */
  *push(text: string): Generator<ServerEvent, void, undefined> {
    const whole = this.#carriageReturn + text;
    // At the end it may be the first half of a line break.
    this.#carriageReturn = whole.endsWith('\r') ? '\r' : '';
    const [first = '', ...others] = whole
      .slice(0, whole.length - this.#carriageReturn.length)
      .split(/\r\n|\n|\r/);
    const lines = [this.#rest + first, ...others];
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_LENGTH) throw new Error('A line of the event stream is too long.');
    for (const line of lines) {
      const event = this.#take(line);
      if (event !== undefined) yield event;
    }
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.#listeners.onRetry?.(Number(value));
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    return isEmpty ? undefined : event;
  }
}
