import type { Clock, LiveClose, LiveConnection, LiveTransport, TimerHandle } from '../contracts/index.js';
import { Reconnector } from './reconnector.js';
import type { ReconnectSettings } from './session-types.js';

export interface LinkHooks {
  onUp(connection: LiveConnection, index: number, requestId: string | undefined): void;
  onMessage(message: Readonly<Record<string, unknown>>, index: number): void;
  onPong(): void;
  onWarning(warning: { readonly code: string; readonly message: string }): void;
  onDrain(): void;
  /**
   * A connection, or an attempt at one, has ended. True: that was all. Otherwise another attempt follows, or
   * `onGivenUp()`.
   */
  onDown(close: LiveClose, error: Error | undefined, wasOpen: boolean): boolean;
  /** The next attempt begins after so many milliseconds. */
  onRetry(attempt: number, delayMs: number): void;
  onGivenUp(close: LiveClose, error: Error | undefined): void;
}

export interface LinkParts {
  /** Those of other endpoints come in turn, where an attempt at one has failed. */
  readonly transports: readonly [LiveTransport, ...LiveTransport[]];
  readonly reconnect: ReconnectSettings | false;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A connection that was open for so long has worked, also where nobody spoke. */
const LASTED_MS = 5000;

/** Keeps one connection open: connecting → open → connecting again …, until it is stopped or gives up. */
export class Link {
  readonly #parts: LinkParts;
  readonly #hooks: LinkHooks;
  readonly #reconnector: Reconnector;
  #connection: LiveConnection | undefined;
  #isOpen = false;
  #timer: TimerHandle | undefined;
  #isStopped = false;
  #endpoint = 0;
  #opened = 0;
  #openedAt = 0;

  constructor(parts: LinkParts, hooks: LinkHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#reconnector = new Reconnector(parts.reconnect, parts.clock, parts.random);
  }

  /** The open connection. */
  get connection(): LiveConnection | undefined {
    return this.#isOpen ? this.#connection : undefined;
  }

  /** Connections that were open, the present one included. */
  get opened(): number {
    return this.#opened;
  }

  get region(): string {
    return this.#transport.region;
  }

  connect(): void {
    if (this.#isStopped) return;
    const index = this.#opened;
    const isPresent = (): boolean => this.#connection === connection;
    const connection: LiveConnection = this.#transport.connect({
      onOpen: ({ requestId }) => {
        if (isPresent()) this.#up(connection, index, requestId);
      },
      onMessage: (message) => {
        if (!isPresent()) return;
        this.#reconnector.heard();
        this.#hooks.onMessage(message, index);
      },
      onPong: () => {
        if (!isPresent()) return;
        this.#reconnector.heard();
        this.#hooks.onPong();
      },
      onWarning: (warning) => isPresent() && this.#hooks.onWarning(warning),
      onDrain: () => isPresent() && this.#hooks.onDrain(),
      onClose: (close, error) => {
        if (isPresent()) this.#down(close, error);
      },
    });
    this.#connection = connection;
  }

  /** More is final: the connection works. */
  proved(): void {
    this.#reconnector.proved();
  }

  /** Gives the connection up, as if it had ended by itself, and opens another one. */
  drop(close: LiveClose, error?: Error): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#down(close, error);
    connection.close();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  get #transport(): LiveTransport {
    const { transports } = this.#parts;
    return transports[this.#endpoint % transports.length] as LiveTransport;
  }

  #up(connection: LiveConnection, index: number, requestId: string | undefined): void {
    this.#isOpen = true;
    this.#opened += 1;
    this.#openedAt = this.#parts.clock.monotonicMs();
    this.#reconnector.opened();
    this.#hooks.onUp(connection, index, requestId);
  }

  #down(close: LiveClose, error: Error | undefined): void {
    const wasOpen = this.#isOpen;
    if (wasOpen && this.#parts.clock.monotonicMs() - this.#openedAt >= LASTED_MS) this.#reconnector.proved();
    this.#connection = undefined;
    this.#isOpen = false;
    if (this.#isStopped || this.#hooks.onDown(close, error, wasOpen) || this.#isStopped) return;
    const delayMs = this.#reconnector.next(error);
    if (delayMs === undefined) {
      this.#hooks.onGivenUp(close, error);
      return;
    }
    // The endpoint that took a connection is the first to be asked again.
    if (!wasOpen || this.#reconnector.attempts > 1) this.#endpoint += 1;
    this.#hooks.onRetry(this.#reconnector.attempts, delayMs);
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.setTimer(() => this.connect(), delayMs);
  }
}
