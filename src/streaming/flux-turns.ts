import type { LiveEvent, LiveSegment, LiveTurn } from '../contracts/index.js';
import type { FluxTurnEvent } from '../deepgram/map-flux.js';
import { isSilent, wordsEnd } from './place-segment.js';
import type { TranscriptBuilder } from './transcript-builder.js';

/** What Flux says of a turn. Its times are those of the session, and words that were final already are left out. */
export interface SpokenTurn {
  readonly segment: LiveSegment;
  readonly endConfidence: number;
  readonly connection: number;
  /** Of the connection. */
  readonly turnIndex: number;
  /** Flux's own message. */
  readonly message: unknown;
}

/** An eager end that was told and not taken back. */
interface EagerEnd {
  readonly connection: number;
  /** Where its last word ends. */
  readonly at: number;
}

/** The end of a word is found a little different in different looks. */
const SAME_PLACE_SECONDS = 0.05;

/**
 * Tells of turns, one after the other: start, then eager ends that are each taken back or followed by the end, then the
 * end. A turn that was open when its connection ended is spoken again on the next one: it goes on where it was.
 */
export class FluxTurns {
  readonly #builder: TranscriptBuilder;
  readonly #tell: (event: LiveEvent) => void;
  /** Of the turn that is open, or of the next one. */
  #number = 0;
  #open: SpokenTurn | undefined;
  #eager: EagerEnd | undefined;
  #interimShown = false;
  #finals = 0;
  #interims = 0;

  constructor(builder: TranscriptBuilder, tell: (event: LiveEvent) => void) {
    this.#builder = builder;
    this.#tell = tell;
  }

  get finals(): number {
    return this.#finals;
  }

  get interims(): number {
    return this.#interims;
  }

  /** The turn that has begun and not ended, as it was heard last. */
  get open(): SpokenTurn | undefined {
    return this.#open;
  }

  take(event: FluxTurnEvent, turn: SpokenTurn): void {
    this.#endForgotten(turn);
    this.#begin(turn);
    this.#goOn(turn);
    this.#open = turn;
    if (event === 'start' || event === 'update') this.#interim(turn);
    else if (event === 'eager-end') this.#eagerEnd(turn);
    else if (event === 'resume') this.#resume(turn);
    else this.#end(turn);
  }

  /** Ends the turn that is open. Nothing more is heard of it: what is left of it is its text. */
  close(segment: LiveSegment): void {
    if (this.#open !== undefined) this.#end({ ...this.#open, segment });
  }

  /** Each turn has an end: this one's must have been lost. */
  #endForgotten({ connection, turnIndex }: SpokenTurn): void {
    const open = this.#open;
    if (open?.connection === connection && open.turnIndex !== turnIndex) this.#end(open);
  }

  #begin({ segment }: SpokenTurn): void {
    if (this.#open !== undefined) return;
    this.#tell({ type: 'turn-start', turn: this.#number, at: segment.words[0]?.start ?? segment.start });
  }

  /** Behind an eager end of an earlier connection Flux tells of no TurnResumed. */
  #goOn({ segment, connection }: SpokenTurn): void {
    const eager = this.#eager;
    if (eager === undefined || eager.connection === connection) return;
    if (wordsEnd(segment) > eager.at + SAME_PLACE_SECONDS) this.#takeBack(segment, eager);
  }

  #interim({ segment }: SpokenTurn): void {
    const silent = isSilent(segment);
    const worthTelling = !silent || this.#interimShown;
    this.#interimShown = !silent;
    if (!worthTelling) return;
    this.#interims += 1;
    this.#tell({ type: 'interim', ...segment });
  }

  #eagerEnd(turn: SpokenTurn): void {
    const { connection } = turn;
    const at = wordsEnd(turn.segment);
    const earlier = this.#eager?.connection === connection ? undefined : this.#eager;
    // A pause before the one that was told last has been told and taken back already.
    if (earlier !== undefined && at < earlier.at - SAME_PLACE_SECONDS) return;
    this.#eager = { connection, at };
    if (earlier === undefined) this.#tell({ type: 'turn-eager-end', ...this.#described(turn) });
  }

  #resume({ segment, connection }: SpokenTurn): void {
    if (this.#eager?.connection === connection) this.#takeBack(segment, this.#eager);
  }

  #takeBack({ words, end }: LiveSegment, eager: EagerEnd): void {
    this.#eager = undefined;
    const next = words.find((word) => word.end > eager.at + SAME_PLACE_SECONDS);
    this.#tell({ type: 'turn-resume', turn: this.#number, at: next?.start ?? end });
  }

  /** Silence is no final, unless it takes back an interim. */
  #end(turn: SpokenTurn): void {
    const { segment, message } = turn;
    const ended = this.#described(turn);
    const worthTelling = !isSilent(segment) || this.#interimShown;
    this.#open = undefined;
    this.#eager = undefined;
    this.#interimShown = false;
    this.#number += 1;
    if (worthTelling) {
      this.#finals += 1;
      this.#builder.addFinal(segment, true, message);
      this.#tell({ type: 'final', ...segment, speechFinal: true, fromFinalize: false });
    }
    this.#tell({ type: 'turn-end', ...ended });
  }

  #described({ segment, endConfidence }: SpokenTurn): LiveTurn {
    return { ...segment, turn: this.#number, endConfidence };
  }
}
