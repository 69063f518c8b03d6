import type { Clock, LiveConnection, TimerHandle } from '../contracts/index.js';

const TICK_MS = 500;
/** A connection on which nothing comes is asked after so long. */
const SILENT_MS = 1400;
/** One that does not answer for so long, or from which nothing leaves, is dead: with the ticks it is noticed within 5 s. */
const DEAD_AFTER_MS = 2400;
/** Audio that was sent without any result, in as much time. Deepgram tells of silence too. */
const NO_RESULT_SECONDS = { interims: 10, finals: 30 } as const;

export interface WatchdogHooks {
  /** Seconds of audio that were sent. Undefined where the format does not tell. */
  sentSeconds(): number | undefined;
  onDead(why: string): void;
}

/** Notices a connection that is dead without knowing it: nothing comes, or nothing leaves. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #hooks: WatchdogHooks;
  readonly #noResultSeconds: number;
  #connection: LiveConnection | undefined;
  #timer: TimerHandle | undefined;
  #receivedAt = 0;
  #leftAt = 0;
  #pingedAt: number | undefined;
  #secondsAtMessage = 0;
  #messageAt = 0;

  constructor(clock: Clock, hasInterims: boolean, hooks: WatchdogHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
    this.#noResultSeconds = hasInterims ? NO_RESULT_SECONDS.interims : NO_RESULT_SECONDS.finals;
  }

  /** @param fromSeconds Of the audio, where the connection begins. */
  start(connection: LiveConnection, fromSeconds: number): void {
    this.stop();
    this.#connection = connection;
    this.#receivedAt = this.#leftAt = this.#messageAt = this.#clock.monotonicMs();
    this.#pingedAt = undefined;
    this.#secondsAtMessage = fromSeconds;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#connection = undefined;
  }

  /** Deepgram has sent a message. */
  message(): void {
    this.pong();
    this.#messageAt = this.#receivedAt;
    this.#secondsAtMessage = this.#hooks.sentSeconds() ?? 0;
  }

  /** Bytes have left the process. */
  left(): void {
    this.#leftAt = this.#clock.monotonicMs();
  }

  pong(): void {
    this.#receivedAt = this.#clock.monotonicMs();
    this.#pingedAt = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const why = this.#problemOf(connection, nowMs);
    if (why !== undefined) {
      this.stop();
      this.#hooks.onDead(why);
      return;
    }
    if (this.#pingedAt === undefined && nowMs - this.#receivedAt >= SILENT_MS && connection.ping()) {
      this.#pingedAt = nowMs;
    }
    this.#arm();
  }

  #problemOf(connection: LiveConnection, nowMs: number): string | undefined {
    if (connection.bufferedAmount === 0) this.#leftAt = nowMs;
    if (nowMs - this.#leftAt >= DEAD_AFTER_MS) return 'no audio leaves it';
    if (this.#pingedAt !== undefined && nowMs - this.#pingedAt >= DEAD_AFTER_MS) return 'it does not answer';
    const unanswered = (this.#hooks.sentSeconds() ?? 0) - this.#secondsAtMessage;
    const silentSeconds = (nowMs - this.#messageAt) / 1000;
    return Math.min(unanswered, silentSeconds) > this.#noResultSeconds ? 'no results come' : undefined;
  }
}
