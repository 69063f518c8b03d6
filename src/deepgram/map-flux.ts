import type { Deepgram } from '@deepgram/sdk';
import type { LiveSegment, Word } from '../contracts/index.js';
import {
  errorText,
  isNumber,
  isRecord,
  isTime,
  type MessageWarning,
  malformed,
  text,
  type Unchecked,
  type UnknownMessage,
  unknownMessage,
} from './message-fields.js';

/** What has happened to a turn. */
export type FluxTurnEvent = 'start' | 'update' | 'eager-end' | 'resume' | 'end';

export interface FluxTurnMessage {
  readonly kind: 'turn';
  readonly event: FluxTurnEvent;
  /** Counts from 0 on each connection. */
  readonly turnIndex: number;
  /** The turn so far. Its times are those of the audio that was heard for it, on the connection. */
  readonly segment: LiveSegment;
  readonly endConfidence: number;
  readonly requestId?: string;
}

/** Flux's message, looked at and put into this library's terms. */
export type FluxMessage =
  | FluxTurnMessage
  | { readonly kind: 'connected'; readonly requestId?: string }
  /** The answer to a Configure. */
  | { readonly kind: 'configured'; readonly accepted: boolean }
  /** The stream has failed: a close follows. */
  | { readonly kind: 'failed'; readonly message: string }
  | MessageWarning
  | UnknownMessage;

type TurnInfo = Unchecked<Deepgram.listen.ListenV2TurnInfo>;
type TurnWord = Unchecked<Deepgram.listen.ListenV2TurnInfo.Words.Item>;

const EVENTS: ReadonlyMap<unknown, FluxTurnEvent> = new Map([
  ['StartOfTurn', 'start'],
  ['Update', 'update'],
  ['EagerEndOfTurn', 'eager-end'],
  ['TurnResumed', 'resume'],
  ['EndOfTurn', 'end'],
]);

/**
 * Never throws. `connection` is the index of the connection that the message came over, which its words keep.
 */
export function mapFluxMessage(message: Readonly<Record<string, unknown>>, connection: number): FluxMessage {
  const { type } = message;
  switch (type) {
    case 'TurnInfo':
      return mapTurn(message, connection);
    case 'Connected': {
      const requestId = text(message.request_id);
      return { kind: 'connected', ...(requestId !== undefined && { requestId }) };
    }
    case 'ConfigureSuccess':
      return { kind: 'configured', accepted: true };
    case 'ConfigureFailure':
      return { kind: 'configured', accepted: false };
    case 'Error':
      return { kind: 'failed', message: errorText(message) };
    default:
      return unknownMessage(type);
  }
}

function mapTurn(turn: TurnInfo, connection: number): FluxMessage {
  const event = EVENTS.get(turn.event);
  if (event === undefined && typeof turn.event === 'string') return unknownMessage(`TurnInfo ${turn.event}`);
  const { audio_window_start: start, audio_window_end: end, transcript, turn_index: turnIndex } = turn;
  if (event === undefined || !isTime(start) || !isTime(end) || end < start) return malformed('TurnInfo');
  if (typeof transcript !== 'string' || !isNumber(turnIndex)) return malformed('TurnInfo');
  const words = mapWords(turn, { start, end }, connection);
  const requestId = text(turn.request_id);
  return {
    kind: 'turn',
    event,
    turnIndex,
    segment: { channel: 0, text: transcript, start, end, confidence: meanConfidence(words), words },
    endConfidence: isNumber(turn.end_of_turn_confidence) ? turn.end_of_turn_confidence : 0,
    ...(requestId !== undefined && { requestId }),
  };
}

interface Window {
  readonly start: number;
  readonly end: number;
}

function mapWords({ words, languages }: TurnInfo, window: Window, connection: number): Word[] {
  if (!Array.isArray(words)) return [];
  const language = onlyLanguage(languages);
  const readable = words.filter((word: unknown): word is TurnWord & { readonly word: string } => {
    return isRecord(word) && text(word.word) !== undefined;
  });
  return readable.map((word, index) => ({
    word: plain(word.word),
    ...timesOf(word, window, index, readable.length),
    confidence: isNumber(word.confidence) ? word.confidence : 0,
    punctuatedWord: word.word,
    ...(language !== undefined && { language }),
    connection,
  }));
}

/** Flux may leave the times out: then the words share the window equally. */
function timesOf({ start, end }: TurnWord, window: Window, index: number, count: number): Window {
  if (isTime(start) && isTime(end)) return { start, end };
  const share = (window.end - window.start) / count;
  return { start: window.start + index * share, end: window.start + (index + 1) * share };
}

/** Flux tells the languages of a turn, not of a word. */
function onlyLanguage(languages: unknown): string | undefined {
  return Array.isArray(languages) && languages.length === 1 ? text(languages[0]) : undefined;
}

/** Flux has words with case and punctuation only. */
function plain(word: string): string {
  const characters = [...word];
  const first = characters.findIndex(isNoMark);
  const last = characters.findLastIndex(isNoMark);
  return first < 0
    ? word
    : characters
        .slice(first, last + 1)
        .join('')
        .toLowerCase();
}

/** Marks of a sentence. Others, as in "50%" or "c#", belong to the word. */
const MARKS: ReadonlySet<string> = new Set('.,!?;:…"“”„«»()¿¡。、，！？；：؟،؛।');

function isNoMark(character: string): boolean {
  return !MARKS.has(character);
}

/** Flux has none for the whole turn. */
function meanConfidence(words: readonly Word[]): number {
  return words.length === 0 ? 0 : words.reduce((sum, { confidence }) => sum + confidence, 0) / words.length;
}
