import { type AudioDecoder, createAudioDecoder } from './audio-decoder.js';
import { type FluxConfiguration, FluxMessages } from './flux-messages.js';
import { changeThresholds, type FluxParameters, MULTILINGUAL_MODEL } from './flux-parameters.js';
import { FluxSession } from './flux-session.js';
import type { TurnEvent } from './flux-turns.js';
import type { LiveEntry } from './journal.js';
import { AudioRate, IdleTimer } from './live-limits.js';
import { closeReasons } from './live-reasons.js';
import type { LiveSocket } from './live-socket.js';
import type { LiveStreamOptions } from './live-stream.js';
import { mixDown } from './pcm.js';
import { UnreadableAudio } from './unreadable-audio.js';

/** One accepted Flux stream: reads the client's messages and sends what the session reports. */
export class FluxConnection {
  readonly #socket: LiveSocket;
  readonly #options: LiveStreamOptions;
  readonly #model: string;
  readonly #record: LiveEntry = { audioMessages: 0, controls: [], closeCode: undefined };
  readonly #decoder: AudioDecoder;
  readonly #messages: FluxMessages;
  readonly #idle: IdleTimer;
  readonly #rate: AudioRate;
  #configuration: FluxConfiguration;
  #session: FluxSession | undefined;
  #endedWords = 0;
  #ending = false;
  #hasFailed = false;

  constructor(socket: LiveSocket, parameters: FluxParameters, options: LiveStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#model = parameters.model;
    this.#configuration = parameters;
    this.#decoder = createAudioDecoder(parameters.encoding);
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
    const channels = this.#readable(() => this.#decoder.decode(bytes));
    const { format } = this.#decoder;
    if (!channels || !format) return;
    const samples = mixDown(channels);
    if (!this.#rate.allows(samples.length / format.sampleRate)) {
      this.#fail('RATE_LIMIT', closeReasons.tooFast, 1008, closeReasons.tooFast);
      return;
    }
    this.#session ??= this.#startSession(format.sampleRate);
    this.#run(this.#session.push(samples));
  }

  /** undefined: the audio cannot be read, and the stream has failed for that. */
  #readable<Result>(read: () => Result): Result | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UnreadableAudio)) throw error;
      this.#options.entry.audioProblem = error.problem;
      this.#fail('DATA-0000', error.detail, 1008, closeReasons.badAudio(error.detail));
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
    const message = parseObject(text);
    if (message?.type === 'CloseStream') this.#end();
    else if (message?.type === 'ForceEndTurn') this.#run(this.#session?.endTurn());
    else if (message?.type === 'Configure') this.#inOrder(() => this.#configure(message));
    else {
      const description = 'A text message was not one of Configure, ForceEndTurn and CloseStream as JSON.';
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
        this.#heard(event);
        const isMultilingual = this.#model === MULTILINGUAL_MODEL;
        this.#socket.send(this.#messages.turnInfo(event, this.#configuration.languageHints, isMultilingual));
      },
    });
  }

  #heard({ name, words }: TurnEvent): void {
    this.#options.entry.words = this.#endedWords + words.length;
    if (name === 'EndOfTurn') this.#endedWords += words.length;
    this.#socket.heard(words.at(-1)?.partial === true);
  }

  /** The last Update tells what was heard; the turn is not ended, and the close frame is empty. */
  #end(): void {
    if (this.#record.audioMessages > 0 && !this.#hasWholeHeader()) return;
    this.#ending = true;
    this.#idle.stop();
    const rest = this.#session?.flush() ?? Promise.resolve();
    this.#run(rest.then(() => this.#socket.close()));
  }

  #run(work: Promise<void> | undefined): void {
    work?.catch(() => this.#fail('NET-0000', 'the emulator failed', 1011, closeReasons.failed));
  }

  /** A stream fails once. */
  #fail(code: string, description: string, closeCode: number, reason: string): void {
    if (this.#hasFailed || this.#record.closeCode !== undefined) return;
    this.#hasFailed = true;
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
