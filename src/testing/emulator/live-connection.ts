import { createHash } from 'node:crypto';
import { type RawData, WebSocket } from 'ws';
import type { Recognizer } from '../recognizer.js';
import type { AcceptedHandshake } from './handshake.js';
import type { LiveEntry, RequestEntry } from './journal.js';
import { createLiveDecoder, type LiveDecoder, type LiveFormat } from './live-decoder.js';
import { type LiveContext, liveMessage, metadataMessage } from './live-messages.js';
import { LiveSession } from './live-session.js';
import type { ResolvedLiveOptions } from './options.js';
import { mixDown } from './pcm.js';

export interface LiveConnectionOptions {
  readonly handshake: AcceptedHandshake;
  readonly recognizer: Recognizer;
  readonly settings: ResolvedLiveOptions;
  readonly entry: RequestEntry;
}

interface StartedSession {
  readonly live: LiveSession;
  readonly context: LiveContext;
  readonly format: LiveFormat;
}

const BAD_AUDIO = 'DATA-0000: the audio could not be decoded. See https://dpgr.am/data0000';
const FAILED = 'NET-0000: the emulator failed to recognise the audio. See https://dpgr.am/net0000';
const IDLE =
  'NET-0001: no audio in time; before the first audio KeepAlive does not count. See https://dpgr.am/net0001';

/** One accepted live stream: reads the client's messages and sends what the session reports. */
export class LiveConnection {
  readonly #socket: WebSocket;
  readonly #options: LiveConnectionOptions;
  readonly #record: LiveEntry = { audioMessages: 0, controls: [], closeCode: undefined };
  readonly #decoder: LiveDecoder;
  readonly #hash = createHash('sha256');
  readonly #created = new Date().toISOString();
  #session: StartedSession | undefined;
  #samples = 0;
  #ending = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, options: LiveConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#decoder = createLiveDecoder(options.handshake.parameters.encoding);
    options.entry.live = this.#record;
    this.#restartIdleTimer();
    socket.on('message', (data, isBinary) => this.#onMessage(toBytes(data), isBinary));
    // A broken connection is also closed: 'close' follows.
    socket.on('error', () => {});
    socket.on('close', (code) => this.#onClose(code));
  }

  #onMessage(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#ending) return;
    if (!isBinary) this.#onText(Buffer.from(bytes).toString('utf8'));
    else if (bytes.byteLength === 0) this.#end();
    else this.#onAudio(bytes);
  }

  #onAudio(bytes: Uint8Array): void {
    this.#record.audioMessages += 1;
    this.#options.entry.bodyBytes += bytes.byteLength;
    this.#hash.update(bytes);
    this.#restartIdleTimer();
    const channels = this.#decoder.decode(bytes);
    if (!channels) {
      this.#close(1008, BAD_AUDIO);
      return;
    }
    const { format } = this.#decoder;
    if (!format) return;
    this.#session ??= this.#startSession(format);
    this.#samples += channels[0]?.length ?? 0;
    const { multichannel } = this.#options.handshake.parameters;
    this.#run(this.#session.live.push(multichannel ? channels : [mixDown(channels)]));
  }

  #onText(text: string): void {
    this.#record.controls.push(text);
    const message = parseControl(text);
    switch (message?.type) {
      case 'KeepAlive':
        this.#keepAlive();
        break;
      case 'Finalize':
        this.#keepAlive();
        this.#run(this.#session?.live.flush(true, message.channel));
        break;
      case 'CloseStream':
        this.#end();
        break;
      default:
        this.#refuseText();
    }
  }

  /** Before the first audio a KeepAlive saves nothing. */
  #keepAlive(): void {
    if (this.#record.audioMessages > 0) this.#restartIdleTimer();
  }

  /** Deepgram documents no answer to such a text. Here it ends the stream, so that a mistake is seen at once. */
  #refuseText(): void {
    this.#send({
      type: 'Error',
      variant: 'UnparsableClientMessage',
      description: 'A text message was not one of KeepAlive, Finalize and CloseStream as JSON.',
      message: 'Unparsable client message.',
    });
    this.#close(1008, 'DATA-0000: a text message could not be read');
  }

  /** Sends what is left, then Metadata, then closes. */
  #end(): void {
    this.#ending = true;
    clearTimeout(this.#idleTimer);
    if (!this.#session && this.#record.audioMessages > 0) {
      this.#close(1008, BAD_AUDIO);
      return;
    }
    const rest = this.#session?.live.flush(false) ?? Promise.resolve();
    this.#run(
      rest.then(() => {
        this.#sendMetadata();
        this.#close(1000, '');
      }),
    );
  }

  #sendMetadata(): void {
    const context = this.#session?.context ?? this.#contextFor(this.#handshakeChannels());
    this.#send(
      metadataMessage(context, {
        sha256: this.#hash.digest('hex'),
        created: this.#created,
        durationSeconds: this.#samples / (this.#session?.format.sampleRate ?? 1),
      }),
    );
  }

  #startSession(format: LiveFormat): StartedSession {
    const { handshake, recognizer, settings } = this.#options;
    const { live, parameters } = handshake;
    const context = this.#contextFor(parameters.multichannel ? format.channels : 1);
    const endpointing = live.endpointing ?? settings.endpointingMs / 1000;
    const session = new LiveSession({
      rules: {
        sampleRate: format.sampleRate,
        endpointing: endpointing === false ? undefined : endpointing,
        maxSegment: settings.maxSegmentSeconds,
        utteranceEnd: live.interimResults ? live.utteranceEnd : undefined,
      },
      channels: context.channels,
      intervalSeconds: settings.interimIntervalMs / 1000,
      recognizer,
      report: (channel, event) => {
        if (event.type === 'speech-started' && !live.vadEvents) return;
        if (event.type === 'segment' && event.kind === 'interim' && !live.interimResults) return;
        this.#send(liveMessage(channel, event, context));
      },
    });
    return { live: session, context, format };
  }

  #contextFor(channels: number): LiveContext {
    const { requestId } = this.#options.entry;
    return { requestId, parameters: this.#options.handshake.parameters, channels };
  }

  #handshakeChannels(): number {
    const { multichannel, encoding } = this.#options.handshake.parameters;
    return multichannel ? (encoding?.channels ?? 1) : 1;
  }

  #run(work: Promise<void> | undefined): void {
    work?.catch(() => this.#close(1011, FAILED));
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #close(code: number, reason: string): void {
    this.#ending = true;
    clearTimeout(this.#idleTimer);
    this.#socket.close(code, reason);
  }

  #restartIdleTimer(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#close(1011, IDLE), this.#options.settings.idleTimeoutMs);
  }

  #onClose(code: number): void {
    this.#ending = true;
    this.#record.closeCode = code;
    clearTimeout(this.#idleTimer);
    this.#session?.live.cancel();
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function parseControl(text: string): { type: unknown; channel: number | undefined } | undefined {
  try {
    const parsed = JSON.parse(text) as { type?: unknown; channel?: unknown } | null;
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    return { type: parsed.type, channel: typeof parsed.channel === 'number' ? parsed.channel : undefined };
  } catch {
    return undefined;
  }
}
