import type {
  LiveClose,
  LiveConnection,
  LiveConnectionHandlers,
  LiveControl,
  LiveProtocol,
  LiveTransport,
} from '../../src/contracts/index.js';

/** The far end of one connection, moved by the test. It takes each byte at once unless it is stalled. */
export class FakeConnection implements LiveConnection {
  readonly sent: (Uint8Array | LiveControl)[] = [];
  bufferedAmount = 0;
  closedWith: LiveClose | undefined;
  stalled = false;
  /** Makes every send throw. */
  broken: Error | undefined;
  readonly #handlers: LiveConnectionHandlers;
  #closed = false;

  constructor(handlers: LiveConnectionHandlers) {
    this.#handlers = handlers;
  }

  get audio(): Uint8Array {
    return Buffer.concat(this.sent.filter((item) => typeof item !== 'string'));
  }

  get controls(): LiveControl[] {
    return this.sent.filter((item) => typeof item === 'string');
  }

  sendAudio(chunk: Uint8Array): void {
    if (this.broken) throw this.broken;
    this.sent.push(chunk.slice());
    if (this.stalled) this.bufferedAmount += chunk.length;
  }

  sendControl(control: LiveControl): void {
    if (this.broken) throw this.broken;
    this.sent.push(control);
  }

  readonly configurations: Readonly<Record<string, unknown>>[] = [];
  /** Answers pings. */
  pongs = true;

  configure(message: Readonly<Record<string, unknown>>): void {
    this.configurations.push(message);
  }

  ping(): boolean {
    if (this.pongs) queueMicrotask(() => this.#closed || this.#handlers.onPong());
    return true;
  }

  close(code = 1000, reason = ''): void {
    this.closedWith ??= { code, reason };
  }

  open(requestId = 'request-1'): void {
    this.#handlers.onOpen({ requestId });
  }

  message(message: Record<string, unknown>): void {
    this.#handlers.onMessage(message);
  }

  /** The far end reads so many bytes of what was kept waiting. Default: all, and from now on at once. */
  drain(bytes = Number.POSITIVE_INFINITY): void {
    this.stalled = bytes !== Number.POSITIVE_INFINITY;
    this.bufferedAmount = Math.max(0, this.bufferedAmount - bytes);
    this.#handlers.onDrain();
  }

  /** The end of a stream after CloseStream, as Deepgram makes it. */
  end(durationSeconds = 1): void {
    this.message(metadata(durationSeconds));
    this.drop(1000);
  }

  /** The connection ends: `onClose` comes once, as the contract says. */
  drop(code: number, error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose({ code, reason: '' }, error);
  }
}

export class FakeTransport implements LiveTransport {
  readonly region: string;
  readonly protocol: LiveProtocol;
  readonly connections: FakeConnection[] = [];

  constructor(protocol: LiveProtocol = 'v1', region = 'fake') {
    this.protocol = protocol;
    this.region = region;
  }

  connect(handlers: LiveConnectionHandlers): FakeConnection {
    const connection = new FakeConnection(handlers);
    this.connections.push(connection);
    return connection;
  }

  get connection(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('No connection was asked for.');
    return connection;
  }
}

/** A Results message as Deepgram sends it. Each word takes 0.4 s. */
export function results(
  text: string,
  details: {
    start?: number;
    channel?: number;
    channels?: number;
    isFinal?: boolean;
    [field: string]: unknown;
  } = {},
): Record<string, unknown> {
  const { start = 0, channel = 0, channels = 1, isFinal = true, ...fields } = details;
  const words = text.split(' ').filter(Boolean);
  return {
    type: 'Results',
    channel_index: [channel, channels],
    start,
    duration: Math.max(0.4, words.length * 0.4),
    is_final: isFinal,
    speech_final: false,
    channel: {
      alternatives: [
        {
          transcript: text,
          confidence: 0.9,
          words: words.map((word, index) => ({
            word,
            punctuated_word: word,
            start: start + index * 0.4,
            end: start + index * 0.4 + 0.3,
            confidence: 0.9,
          })),
        },
      ],
    },
    metadata: { request_id: 'request-1', model_uuid: 'model', model_info: {} },
    ...fields,
  };
}

export function metadata(duration: number): Record<string, unknown> {
  return { type: 'Metadata', request_id: 'request-1', sha256: '', created: '', duration, channels: 1 };
}
