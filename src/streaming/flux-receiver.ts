import type { LiveSegment } from '../contracts/index.js';
import { type FluxTurnMessage, mapFluxMessage } from '../deepgram/map-flux.js';
import { BadRequestError } from '../errors/index.js';
import { FluxTurns } from './flux-turns.js';
import { fromFirstWord, isSilent, withoutBefore, wordsEnd } from './place-segment.js';
import type { ConnectionTimes, Receiver, ReceiverHooks } from './receiver.js';
import type { TranscriptBuilder } from './transcript-builder.js';

/** A word that begins is heard within this time. What is silent for longer holds no word. */
const HEARING_SECONDS = 2;
/** A server that invents types without end must not fill the memory. */
const MAX_UNKNOWN_TYPES = 100;

/** Places the segments of a connection in the session. */
export interface SegmentTimes extends ConnectionTimes {
  /** Without the words before the second `final` of the session. */
  move(segment: LiveSegment, connection: number, final: number): LiveSegment;
}

/** Turns the messages of `/v2/listen` into events, and keeps the finals for the transcript. */
export class FluxReceiver implements Receiver {
  readonly #builder: TranscriptBuilder;
  readonly #times: SegmentTimes;
  readonly #hooks: ReceiverHooks;
  readonly #turns: FluxTurns;
  readonly #unknownTypes = new Set<string>();
  /** The newest connection that was heard of, and the second up to which all was final when it began. */
  #connection = -1;
  #finalBefore = 0;
  /** The second up to which all is final by what was told here. */
  #finalHere = 0;
  #providerError: string | undefined;

  constructor(builder: TranscriptBuilder, times: SegmentTimes, hooks: ReceiverHooks) {
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
    this.#close(open.segment);
    this.#tellFinal(open.segment.end);
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
    const segment = fromFirstWord(this.#times.move(info.segment, connection, this.#finalBefore));
    this.#builder.addRequestId(info.requestId);
    this.#builder.addTime(segment.end);
    const isOpen = this.#turns.open?.connection === connection;
    if (isSilent(segment) && !isOpen) {
      this.#silence(info.event === 'end' ? segment.end : segment.end - HEARING_SECONDS);
      return;
    }
    if (info.event === 'end') this.#tellFinal(segment.end);
    const { endConfidence, turnIndex } = info;
    this.#turns.take(info.event, { segment, endConfidence, connection, turnIndex, message });
  }

  /** No word of this connection begins before that second: it is as final as what was said. */
  #silence(until: number): void {
    if (until <= this.#finalBefore) return;
    const { open } = this.#turns;
    // A turn of the connection before, of which this one hears nothing.
    if (open !== undefined && wordsEnd(open.segment) <= until) this.#close(open.segment);
    if (this.#turns.open === undefined) this.#tellFinal(until);
  }

  /** No more will be heard of the turn. Its words stay, unless something else tells of that audio. */
  #close(segment: LiveSegment): void {
    const final = this.#times.finalUntil(0);
    this.#turns.close(final > this.#finalHere ? withoutBefore(segment, final) : segment);
  }

  #tellFinal(seconds: number): void {
    this.#finalHere = Math.max(this.#finalHere, seconds);
    this.#hooks.onFinalUntil(0, seconds, 1);
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
