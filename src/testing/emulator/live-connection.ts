import { createHash } from 'node:crypto';
import { type AudioDecoder, type AudioFormat, createAudioDecoder } from './audio-decoder.js';
import type { AcceptedListen } from './handshake.js';
import type { LiveEntry } from './journal.js';
import type { ChannelEvent } from './live-channel.js';
import { AudioRate, IdleTimer } from './live-limits.js';
import { type LiveContext, liveMessage, metadataMessage } from './live-messages.js';
import { closeReasons } from './live-reasons.js';
import { LiveSession } from './live-session.js';
import type { LiveSocket } from './live-socket.js';
import type { LiveStreamOptions } from './live-stream.js';
import { mixDown } from './pcm.js';
import { UnreadableAudio } from './unreadable-audio.js';

interface StartedSession {
  readonly live: LiveSession;
  readonly context: LiveContext;
  readonly format: AudioFormat;
}

/** One accepted live stream: reads the client's messages and sends what the session reports. */
export class LiveConnection {
  readonly #socket: LiveSocket;
  readonly #handshake: AcceptedListen;
  readonly #options: LiveStreamOptions;
  readonly #record: LiveEntry = { audioMessages: 0, controls: [], closeCode: undefined };
  readonly #decoder: AudioDecoder;
  readonly #hash = createHash('sha256');
  readonly #created: string;
  readonly #idle: IdleTimer;
  readonly #rate: AudioRate;
  #session: StartedSession | undefined;
  #samples = 0;
  #ending = false;

  constructor(socket: LiveSocket, handshake: AcceptedListen, options: LiveStreamOptions) {
    this.#socket = socket;
    this.#handshake = handshake;
    this.#options = options;
    this.#decoder = createAudioDecoder(handshake.parameters.encoding);
    options.entry.live = this.#record;
    const { clock, settings } = options;
    this.#created = new Date(clock.wallMs()).toISOString();
    this.#idle = new IdleTimer(clock, settings.idleTimeoutMs, () => this.#close(1011, closeReasons.idle));
    this.#rate = new AudioRate(clock, settings.maxRealtimeFactor);
    socket.listen({
      onMessage: (bytes, isBinary) => this.#onMessage(bytes, isBinary),
      onPing: () => {},
      onClose: (code) => this.#onClose(code),
    });
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
    this.#idle.restart();
    const channels = this.#readable(() => this.#decoder.decode(bytes));
    const { format } = this.#decoder;
    if (!channels || !format) return;
    const length = channels[0]?.length ?? 0;
    if (!this.#rate.allows(length / format.sampleRate)) {
      this.#close(1008, closeReasons.tooFast);
      return;
    }
    this.#session ??= this.#startSession(format);
    this.#samples += length;
    const { multichannel } = this.#handshake.parameters;
    this.#run(this.#session.live.push(multichannel ? channels : [mixDown(channels)]));
  }

  /** undefined: the audio cannot be read, and the stream is closed for that. */
  #readable<Result>(read: () => Result): Result | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UnreadableAudio)) throw error;
      this.#options.entry.audioProblem = error.problem;
      this.#close(1008, closeReasons.badAudio(error.detail));
      return undefined;
    }
  }

  #hasWholeHeader(): boolean {
    const isWhole = this.#readable(() => {
      this.#decoder.finish();
      return true;
    });
    return isWhole === true;
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
    if (this.#record.audioMessages > 0) this.#idle.restart();
  }

  /** Deepgram documents no answer to such a text. Here it ends the stream, so that a mistake is seen at once. */
  #refuseText(): void {
    this.#socket.send({
      type: 'Error',
      variant: 'UnparsableClientMessage',
      description: 'A text message was not one of KeepAlive, Finalize and CloseStream as JSON.',
      message: 'Unparsable client message.',
    });
    this.#close(1008, closeReasons.unreadable);
  }

  /** Sends what is left, then Metadata, then closes. */
  #end(): void {
    this.#ending = true;
    this.#idle.stop();
    if (this.#record.audioMessages > 0 && !this.#hasWholeHeader()) return;
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
    this.#socket.send(
      metadataMessage(context, {
        sha256: this.#hash.digest('hex'),
        created: this.#created,
        durationSeconds: this.#samples / (this.#session?.format.sampleRate ?? 1),
      }),
    );
  }

  #startSession(format: AudioFormat): StartedSession {
    const { recognizer, settings } = this.#options;
    const { live, parameters } = this.#handshake;
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
        if (event.type === 'segment') this.#heard(event);
        if (event.type === 'speech-started' && !live.vadEvents) return;
        if (event.type === 'segment' && event.kind === 'interim' && !live.interimResults) return;
        this.#socket.send(liveMessage(channel, event, context));
      },
    });
    return { live: session, context, format };
  }

  #heard({ kind, words }: Extract<ChannelEvent, { type: 'segment' }>): void {
    if (kind === 'final') this.#options.entry.words += words.length;
    this.#socket.heard(words.at(-1)?.partial === true);
  }

  #contextFor(channels: number): LiveContext {
    const { requestId } = this.#options.entry;
    return { requestId, parameters: this.#handshake.parameters, channels };
  }

  #handshakeChannels(): number {
    const { multichannel, encoding } = this.#handshake.parameters;
    return multichannel ? (encoding?.channels ?? 1) : 1;
  }

  #run(work: Promise<void> | undefined): void {
    work?.catch(() => this.#close(1011, closeReasons.failed));
  }

  #close(code: number, reason: string): void {
    this.#ending = true;
    this.#idle.stop();
    this.#socket.close(code, reason);
  }

  #onClose(code: number): void {
    this.#ending = true;
    this.#record.closeCode = code;
    this.#idle.stop();
    this.#session?.live.cancel();
  }
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
