import { type FluxTurnMessage, mapFluxMessage } from '../deepgram/map-flux.js';
import { BadRequestError } from '../errors/index.js';
import { FluxTurns } from './flux-turns.js';
import { fromFirstWord, isSilent, later, withoutBefore, wordsEnd } from './place-segment.js';
import type { ConnectionTimes, Receiver, ReceiverHooks } from './receiver.js';
import type { TranscriptBuilder } from './transcript-builder.js';

/** A word that begins is heard within this time. What is silent for longer holds no word. */
const HEARING_SECONDS = 2;
/** A server that invents types without end must not fill the memory. */
const MAX_UNKNOWN_TYPES = 100;

/** Turns the messages of `/v2/listen` into events, and keeps the finals for the transcript. */
export class FluxReceiver implements Receiver {
  readonly #builder: TranscriptBuilder;
  readonly #times: ConnectionTimes;
  readonly #hooks: ReceiverHooks;
  readonly #turns: FluxTurns;
  readonly #unknownTypes = new Set<string>();
  /** The newest connection that was heard of, and the second up to which all was final when it began. */
  #connection = -1;
  #finalBefore = 0;
  #providerError: string | undefined;

  constructor(builder: TranscriptBuilder, times: ConnectionTimes, hooks: ReceiverHooks) {
    this.#builder = builder;
    this.#times = times;
    this.#hooks = hooks;
    this.#turns = new FluxTurns(builder, (event) => hooks.onEvent(event));
  }

  get finals(): number {
    return this.#turns.finals;
  }

  get interims(): number {
    return this.#turns.interims;
  }

  /** What Flux said was wrong, on the newest connection: the cause where that connection fails. */
  get providerError(): string | undefined {
    return this.#providerError;
  }

  receive(message: Readonly<Record<string, unknown>>, connection: number): void {
    this.#enter(connection);
    const mapped = mapFluxMessage(message, connection);
    switch (mapped.kind) {
      case 'turn':
        this.#turn(mapped, message, connection);
        return;
      case 'connected':
        this.#builder.addRequestId(mapped.requestId);
        return;
      case 'configured':
        this.#hooks.onConfigured(mapped.accepted ? undefined : configurationRefused());
        return;
      case 'failed':
        this.#providerError = mapped.message;
        this.#warn('provider_message', mapped.message);
        return;
      case 'warning':
        this.#warn(mapped.code, mapped.message);
        return;
      case 'unknown':
        this.#unknown(mapped.type);
    }
  }

  /** CloseStream gives no end of a turn: what was heard of it last is all of it. */
  end(): void {
    const { open } = this.#turns;
    if (open === undefined) return;
    if (open.connection < this.#connection) this.#closeAbandoned();
    else this.#turns.close(open.segment);
    this.#hooks.onFinalUntil(0, open.segment.end, 1);
  }

  /**
   * What is final by then is heard again at most once more, when a connection begins. The turns of one connection do not
   * overlap: a word that Flux gives to the next turn is none of the one before, wherever that was said to end.
   */
  #enter(connection: number): void {
    if (connection <= this.#connection) return;
    this.#connection = connection;
    this.#finalBefore = this.#times.finalUntil(0);
    this.#providerError = undefined;
  }

  #turn(info: FluxTurnMessage, message: unknown, connection: number): void {
    const placed = later(info.segment, this.#times.offsetOf(connection));
    const segment = fromFirstWord(withoutBefore(placed, this.#finalBefore));
    this.#builder.addRequestId(info.requestId);
    this.#builder.addTime(segment.end);
    const isOpen = this.#turns.open?.connection === connection;
    if (isSilent(segment) && !isOpen) {
      this.#silence(info.event === 'end' ? segment.end : segment.end - HEARING_SECONDS);
      return;
    }
    if (info.event === 'end') this.#hooks.onFinalUntil(0, segment.end, 1);
    const { endConfidence, turnIndex } = info;
    this.#turns.take(info.event, { segment, endConfidence, connection, turnIndex, message });
  }

  /** No word of this connection begins before that second: it is as final as what was said. */
  #silence(until: number): void {
    if (until <= this.#finalBefore) return;
    const { open } = this.#turns;
    if (open !== undefined && wordsEnd(open.segment) <= until) this.#closeAbandoned();
    if (this.#turns.open === undefined) this.#hooks.onFinalUntil(0, until, 1);
  }

  /**
   * The turn was open when its connection ended, and the next one does not hear it. Its words stay, unless something
   * else tells of that audio.
   */
  #closeAbandoned(): void {
    const { open } = this.#turns;
    if (open === undefined) return;
    const told = Math.max(this.#times.finalUntil(0), this.#times.offsetOf(this.#connection));
    this.#turns.close(withoutBefore(open.segment, told));
  }

  #unknown(type: string): void {
    if (this.#unknownTypes.has(type) || this.#unknownTypes.size >= MAX_UNKNOWN_TYPES) return;
    this.#unknownTypes.add(type);
    this.#warn(
      'unknown_message',
      `Deepgram sent a message of the type ${type}, which this version does not know. Such messages are left out.`,
    );
  }

  #warn(code: string, message: string): void {
    this.#hooks.onEvent({ type: 'warning', code, message });
  }
}

function configurationRefused(): BadRequestError {
  return new BadRequestError(
    'Deepgram refused the new configuration and keeps the one before. Check the bounds of the thresholds; language hints need flux-general-multi.',
    { code: 'bad_request' },
  );
}
