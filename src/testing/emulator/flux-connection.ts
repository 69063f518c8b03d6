import { type FluxConfiguration, FluxMessages } from './flux-messages.js';
import { changeThresholds, type FluxParameters, MULTILINGUAL_MODEL } from './flux-parameters.js';
import { FluxSession } from './flux-session.js';
import type { LiveEntry } from './journal.js';
import { createLiveDecoder, type LiveDecoder } from './live-decoder.js';
import { AudioRate, IdleTimer } from './live-limits.js';
import { closeReasons } from './live-reasons.js';
import type { LiveSocket } from './live-socket.js';
import type { LiveStreamOptions } from './live-stream.js';
import { mixDown } from './pcm.js';

/** One accepted Flux stream: reads the client's messages and sends what the session reports. */
export class FluxConnection {
  readonly #socket: LiveSocket;
  readonly #options: LiveStreamOptions;
  readonly #model: string;
  readonly #record: LiveEntry = { audioMessages: 0, controls: [], closeCode: undefined };
  readonly #decoder: LiveDecoder;
  readonly #messages: FluxMessages;
  readonly #idle: IdleTimer;
  readonly #rate: AudioRate;
  #configuration: FluxConfiguration;
  #session: FluxSession | undefined;
  #ending = false;

  constructor(socket: LiveSocket, parameters: FluxParameters, options: LiveStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#model = parameters.model;
    this.#configuration = parameters;
    this.#decoder = createLiveDecoder(parameters.encoding);
    this.#messages = new FluxMessages(options.entry.requestId);
    options.entry.live = this.#record;
    const { clock, settings } = options;
    this.#idle = new IdleTimer(clock, settings.idleTimeoutMs, () =>
      this.#fail('NET-0001', 'no audio in time', 1011, closeReasons.idle),
    );
    this.#rate = new AudioRate(clock, settings.maxRealtimeFactor);
    socket.send(this.#messages.connected());
    socket.listen({
      onMessage: (bytes, isBinary) => this.#onMessage(bytes, isBinary),
      // A Flux stream is kept alive by pings or by silence.
      onPing: () => this.#ending || this.#idle.restart(),
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
    this.#idle.restart();
    const channels = this.#decoder.decode(bytes);
    if (!channels) {
      this.#fail('DATA-0000', 'the audio could not be decoded', 1008, closeReasons.badAudio);
      return;
    }
    const { format } = this.#decoder;
    if (!format) return;
    const samples = mixDown(channels);
    if (!this.#rate.allows(samples.length / format.sampleRate)) {
      this.#fail('RATE_LIMIT', closeReasons.tooFast, 1008, closeReasons.tooFast);
      return;
    }
    this.#session ??= this.#startSession(format.sampleRate);
    this.#run(this.#session.push(samples));
  }

  #onText(text: string): void {
    this.#record.controls.push(text);
    const message = parseObject(text);
    if (message?.type === 'CloseStream') this.#end();
    else if (message?.type === 'Configure') this.#inOrder(() => this.#configure(message));
    else {
      const description = 'A text message was neither Configure nor CloseStream as JSON.';
      this.#fail('UNPARSABLE_CLIENT_MESSAGE', description, 1008, closeReasons.unreadable);
    }
  }

  /** Behind all the audio that came before. */
  #inOrder(action: () => void): void {
    if (this.#session) this.#run(this.#session.after(action));
    else action();
  }

  #configure(message: Readonly<Record<string, unknown>>): void {
    const changed = changeConfiguration(this.#configuration, message, this.#model);
    if (changed) {
      this.#configuration = changed;
      this.#session?.configure(changed.thresholds);
    }
    this.#socket.send(changed ? this.#messages.configured(changed) : this.#messages.notConfigured());
  }

  #startSession(sampleRate: number): FluxSession {
    const { settings, recognizer } = this.#options;
    return new FluxSession({
      sampleRate,
      thresholds: this.#configuration.thresholds,
      intervalSeconds: settings.interimIntervalMs / 1000,
      recognizer,
      report: (event) => {
        this.#socket.heard(event.words.at(-1)?.partial === true);
        this.#socket.send(this.#messages.turnInfo(event, this.#configuration.languageHints));
      },
    });
  }

  /** The last Update tells what was heard; the turn is not ended, and the close frame is empty. */
  #end(): void {
    this.#ending = true;
    this.#idle.stop();
    const rest = this.#session?.flush() ?? Promise.resolve();
    this.#run(rest.then(() => this.#socket.close()));
  }

  #run(work: Promise<void>): void {
    work.catch(() => this.#fail('NET-0000', 'the emulator failed', 1011, closeReasons.failed));
  }

  /** A stream fails once. */
  #fail(code: string, description: string, closeCode: number, reason: string): void {
    if (this.#record.closeCode !== undefined) return;
    this.#ending = true;
    this.#idle.stop();
    this.#session?.cancel();
    this.#socket.send(this.#messages.error(code, description));
    this.#socket.close(closeCode, reason);
  }

  #onClose(code: number): void {
    this.#ending = true;
    this.#record.closeCode = code;
    this.#idle.stop();
    this.#session?.cancel();
  }
}

/** undefined: the message asks for what cannot be. */
function changeConfiguration(
  current: FluxConfiguration,
  message: Readonly<Record<string, unknown>>,
  model: string,
): FluxConfiguration | undefined {
  const { thresholds = {}, keyterms = current.keyterms, language_hints: hints } = message;
  if (typeof thresholds !== 'object' || thresholds === null) return undefined;
  const changed = changeThresholds(current.thresholds, { ...thresholds });
  const terms = typeof keyterms === 'string' ? [keyterms] : keyterms;
  const languageHints = hints ?? current.languageHints;
  if (typeof changed === 'string' || !isTexts(terms) || !isTexts(languageHints)) return undefined;
  if (hints !== undefined && model !== MULTILINGUAL_MODEL) return undefined;
  if (message.numerals !== undefined && typeof message.numerals !== 'boolean') return undefined;
  return { thresholds: changed, keyterms: terms, languageHints };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
