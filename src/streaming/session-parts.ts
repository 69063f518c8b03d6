import type {
  LiveClose,
  LiveConnection,
  LiveEvent,
  LiveProtocol,
  LiveSegment,
  LiveState,
  LiveStats,
} from '../contracts/index.js';
import { connectionClosed } from '../deepgram/live-errors.js';
import { within } from '../internal/within.js';
import { AudioMap } from './audio-map.js';
import { AudioMeter } from './audio-meter.js';
import { Configurations } from './configurations.js';
import { Finalizations } from './finalizations.js';
import { FluxReceiver } from './flux-receiver.js';
import { Inbox } from './inbox.js';
import { KeepAlive } from './keep-alive.js';
import { Link } from './link.js';
import { Outage } from './outage.js';
import { Outbox } from './outbox.js';
import type { Receiver, ReceiverHooks } from './receiver.js';
import { Repairs } from './repairs.js';
import { ReplayPacer } from './replay-pacer.js';
import type { SessionDependencies } from './session-types.js';
import { Timeline } from './timeline.js';
import { TranscriptBuilder } from './transcript-builder.js';
import { Watchdog } from './watchdog.js';

/** Used where the settings name none: those of a session that is made without a client. */
const RECOVERY = {
  reconnect: { giveUpAfterMs: 900_000, maxDelayMs: 5000 },
  replaySeconds: 30,
} as const;
/** Audio that is kept while there is no connection, where its length is not known. */
const ROOM_BYTES_WHERE_UNKNOWN = 4 * 1024 * 1024;

/** Audio at the end of a stream that no result need tell of. Flux tells of silence two seconds late. */
const UNHEARD_SECONDS = { v1: 1, flux: 3 } as const;

/** A store or a worker that never answers does not hold up finish() for ever. */
const REPAIR_TIMEOUT_MS = 900_000;
/** Times are rounded. */
const FINAL_ENOUGH_SECONDS = 0.05;

/** What the session itself decides. */
export interface SessionHooks {
  onEvent(event: LiveEvent): void;
  onMetadata(): void;
  onBroken(cause: unknown): void;
  onUp(connection: LiveConnection, index: number, requestId: string | undefined): void;
  /** Audio that had to wait was handed to the connection. A replay leaves without filling its buffer, and so without a drain. */
  onAudio(): void;
  /** More is final. */
  onProgress(): void;
  onDrain(): void;
  onDown(close: LiveClose, error: Error | undefined, wasOpen: boolean): boolean;
  onRetry(attempt: number, delayMs: number): void;
  onGivenUp(close: LiveClose, error: Error | undefined): void;
}

/** The parts of a session, put together. */
export class SessionParts {
  readonly protocol: LiveProtocol;
  readonly meter: AudioMeter;
  readonly map: AudioMap;
  readonly timeline = new Timeline();
  readonly builder: TranscriptBuilder;
  readonly receiver: Receiver;
  readonly outbox: Outbox;
  readonly outage: Outage;
  readonly repairs: Repairs | undefined;
  readonly finalizations: Finalizations;
  readonly configurations: Configurations;
  readonly keepAlive: KeepAlive;
  readonly link: Link;
  readonly #watchdog: Watchdog;
  readonly #dependencies: SessionDependencies;
  readonly #over: AbortSignal;
  readonly #onProgress: () => void;
  #repairedFinals = 0;
  #unheardEnds = 0;

  constructor(dependencies: SessionDependencies, over: AbortSignal, hooks: SessionHooks) {
    const { settings, clock, transport, transports = [transport] as const, repair } = dependencies;
    const { model, language, reconnect = RECOVERY.reconnect } = settings;
    this.#dependencies = dependencies;
    this.#over = over;
    this.#onProgress = hooks.onProgress;
    this.protocol = transport.protocol;
    this.meter = new AudioMeter(settings);
    this.map = new AudioMap(this.meter);
    const facts = { id: dependencies.transcriptId, model, language, region: transport.region };
    this.builder = new TranscriptBuilder(facts, clock);
    this.finalizations = new Finalizations(clock);
    this.configurations = new Configurations(clock);
    this.receiver = this.#createReceiver({
      onEvent: (event) => {
        if (event.type === 'final') this.timeline.heard(event);
        hooks.onEvent(event);
      },
      onFinalUntil: (channel, seconds, channels) => this.#finalUntil(channel, seconds, channels),
      onFinalized: (channel, channels) => this.finalizations.answered(channel, channels),
      onMetadata: hooks.onMetadata,
      onConfigured: (error) => this.configurations.answered(error),
    });
    this.keepAlive = new KeepAlive(clock, {
      sentBytes: () => this.outbox.sentBytes,
      onQuiet: () => {
        this.outbox.log.trim();
        if (this.protocol === 'v1') this.outbox.sendKeepAlive();
      },
    });
    this.outbox = new Outbox(this.meter, this.map, {
      roomBytes: (isPausable) => (isPausable ? this.#roomBytes() : this.outage.roomBytes),
      onAudio: hooks.onAudio,
      onBroken: hooks.onBroken,
    });
    this.repairs =
      repair &&
      new Repairs({
        timeline: this.timeline,
        transcribe: repair.transcribe,
        signal: over,
        onRepaired: (segment) => this.#repaired(segment, hooks),
        onFailed: ({ from, to }, reason) => this.outage.lost(from, to, reason),
      });
    this.outage = new Outage({
      log: this.outbox.log,
      map: this.map,
      timeline: this.timeline,
      roomBytes: () => this.#roomBytes(),
      store: repair?.store,
      onEvent: hooks.onEvent,
      onStretch: (stretch) => this.repairs?.add(stretch),
      onRoom: () => this.outbox.pump(),
    });
    this.#watchdog = new Watchdog(clock, settings.interimResults ?? false, {
      sentSeconds: () => this.map.seconds(this.outbox.log.sent),
      onDead: (why) => this.#dead(why),
    });
    this.link = new Link(
      { transports, reconnect, clock, random: dependencies.random ?? Math.random },
      {
        onUp: hooks.onUp,
        onDown: hooks.onDown,
        onRetry: hooks.onRetry,
        onGivenUp: hooks.onGivenUp,
        onMessage: (message, index) => {
          this.#watchdog.message();
          this.receiver.receive(message, index);
        },
        onPong: () => this.#watchdog.pong(),
        onDrain: () => {
          this.#watchdog.left();
          hooks.onDrain();
        },
        onWarning: ({ code, message }) => hooks.onEvent({ type: 'warning', code, message }),
      },
    );
  }

  /** The connection is open: everything that is not final goes over it. */
  begin(connection: LiveConnection, index: number): void {
    const cut = this.outage.end();
    // A listener of a gap may have ended the session.
    if (this.#over.aborted) return;
    this.timeline.begin(index, cut.seconds);
    this.keepAlive.start();
    if (this.protocol === 'flux') this.configurations.attach(connection);
    const pacer = index === 0 ? undefined : new ReplayPacer(this.#dependencies.clock, cut.seconds);
    this.outbox.attach(connection, cut, pacer);
    // It may have broken under the first frame.
    if (this.link.connection === connection) this.#watchdog.start(connection, cut.seconds);
  }

  /** The connection is gone. */
  lost(wasOpen: boolean): void {
    this.#watchdog.stop();
    this.keepAlive.stop();
    this.outbox.detach();
    this.finalizations.lost();
    this.configurations.lost();
    // Until the first one everything waits for it.
    if (wasOpen || this.link.opened > 0) this.outage.begin();
  }

  /** All audio that is left goes into the store, to be transcribed from there. False where that is not possible. */
  keepRest(): boolean {
    const isWanted = this.#dependencies.settings.reconnect !== false;
    if (this.repairs === undefined || this.map.isOpaque || !isWanted) return false;
    this.outage.begin();
    this.outage.evictAll();
    return true;
  }

  /** Whether a close that nothing confirms may be the end of the stream: of audio that was never heard, only the second one. */
  acceptsEnd(): boolean {
    const seconds = this.map.seconds(this.outbox.acceptedBytes);
    const isHeard = seconds === undefined || seconds - this.timeline.latest < UNHEARD_SECONDS[this.protocol];
    this.#unheardEnds += isHeard ? 0 : 1;
    return isHeard || this.#unheardEnds > 1;
  }

  /** Resolves when all repairs are in their places, or have taken too long. */
  async repaired(): Promise<void> {
    if (this.repairs !== undefined)
      await within(this.#dependencies.clock, this.repairs.end(), REPAIR_TIMEOUT_MS);
  }

  /** Whether there is no audio that could still become final. */
  get isAllFinal(): boolean {
    const seconds = this.map.seconds(this.outbox.acceptedBytes);
    return seconds !== undefined && this.timeline.finalForAll() >= seconds - FINAL_ENOUGH_SECONDS;
  }

  /** The audio has been heard to its end. */
  end(): void {
    this.#watchdog.stop();
    this.keepAlive.stop();
    this.receiver.end();
    const isToldByMetadata = this.protocol === 'v1' && this.link.opened <= 1;
    const seconds = this.map.seconds(this.outbox.acceptedBytes);
    if (!isToldByMetadata && seconds !== undefined) this.builder.addLength(seconds);
    // At the end all is final.
    this.finalizations.end();
  }

  stats(state: LiveState): LiveStats {
    const { sentBytes, queuedBytes, framer, log } = this.outbox;
    const sentSeconds = this.map.seconds(log.sent);
    return {
      state,
      bytesSent: sentBytes,
      bytesBuffered: queuedBytes + framer.heldBytes + (this.link.connection?.bufferedAmount ?? 0),
      ...(sentSeconds !== undefined && { sentSeconds }),
      finals: this.receiver.finals + this.#repairedFinals,
      interims: this.receiver.interims,
      connections: this.link.opened,
      bytesHeld: log.heldBytes,
      gapSeconds: this.outage.gapSeconds,
    };
  }

  /** Nothing is left after it. */
  close(reason: Error): void {
    this.#watchdog.stop();
    this.keepAlive.stop();
    this.outbox.fail(reason);
    this.outage.close();
    this.finalizations.end(reason);
    this.configurations.end(reason);
    this.link.stop();
  }

  #createReceiver(hooks: ReceiverHooks): Receiver {
    if (this.protocol === 'flux') return new FluxReceiver(this.builder, this.timeline, hooks);
    return new Inbox(this.builder, this.timeline, hooks);
  }

  #roomBytes(): number {
    const { replaySeconds = RECOVERY.replaySeconds } = this.#dependencies.settings;
    if (replaySeconds === 0) return 0;
    return this.map.bytesIn(replaySeconds) ?? ROOM_BYTES_WHERE_UNKNOWN;
  }

  #finalUntil(channel: number, seconds: number, channels: number): void {
    this.outage.progressed();
    const before = this.timeline.finalForAll();
    const final = this.timeline.advance(channel, seconds, channels);
    if (final > before) {
      this.link.proved();
      this.#onProgress();
    }
    const cut = this.map.cutBefore(final);
    const position = this.map.isOpaque ? this.outbox.log.sent : cut?.position;
    if (position === undefined) return;
    this.outbox.release(position);
    this.map.forget(position);
    this.repairs?.merge();
  }

  #repaired(segment: LiveSegment, hooks: SessionHooks): void {
    this.#repairedFinals += 1;
    this.builder.addRepair(segment);
    hooks.onEvent({ type: 'final', ...segment, speechFinal: true, fromFinalize: false, repaired: true });
  }

  /** With an error: a close without one, after CloseStream, would be taken for the end of the stream. */
  #dead(why: string): void {
    const close = { code: 1006, reason: why };
    this.link.drop(close, this.connectionLost(close));
  }

  connectionLost(close: LiveClose, cause?: unknown): Error {
    return connectionClosed(close, { region: this.link.region }, cause);
  }
}
