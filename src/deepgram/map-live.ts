import type { Deepgram } from '@deepgram/sdk';
import type { LiveSegment, Word } from '../contracts/index.js';
import { redactText } from '../net/redact.js';

/** Deepgram's message, looked at and put into this library's terms. */
export type LiveMessage =
  | {
      readonly kind: 'results';
      readonly segment: LiveSegment;
      readonly isFinal: boolean;
      readonly speechFinal: boolean;
      readonly fromFinalize: boolean;
      /** How many channels the stream has. */
      readonly channels: number;
      readonly requestId?: string;
    }
  | {
      readonly kind: 'metadata';
      readonly durationSeconds?: number;
      readonly channels?: number;
      readonly requestId?: string;
    }
  | { readonly kind: 'speech-start'; readonly channel: number; readonly at: number }
  | { readonly kind: 'utterance-end'; readonly channel: number; readonly lastWordEnd: number }
  | { readonly kind: 'warning'; readonly code: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly type: string };

/** The SDK's field names, checked by the compiler; their values, checked at run time. */
type Unchecked<Message> = { readonly [Field in keyof Message]?: unknown };

type Results = Unchecked<Deepgram.listen.ListenV1Results>;
type Metadata = Unchecked<Deepgram.listen.ListenV1Metadata>;
type SpeechStarted = Unchecked<Deepgram.listen.ListenV1SpeechStarted>;
type UtteranceEnd = Unchecked<Deepgram.listen.ListenV1UtteranceEnd>;
type Alternative = Unchecked<Deepgram.listen.ListenV1Results.Channel.Alternatives.Item>;
type ResultWord = Unchecked<Deepgram.listen.ListenV1Results.Channel.Alternatives.Item.Words.Item>;

/** A larger channel number is a broken message, not a channel. */
const MAX_CHANNELS = 256;

/**
 * Never throws. `connection` is the index of the connection that the message came over, which its words keep.
 */
export function mapLiveMessage(message: Readonly<Record<string, unknown>>, connection: number): LiveMessage {
  const { type } = message;
  switch (type) {
    case 'Results':
      return mapResults(message, connection) ?? malformed(type);
    case 'Metadata':
      return mapMetadata(message);
    case 'SpeechStarted':
      return mapSpeechStarted(message) ?? malformed(type);
    case 'UtteranceEnd':
      return mapUtteranceEnd(message) ?? malformed(type);
    case 'Error':
      return { kind: 'warning', code: 'provider_message', message: errorText(message) };
    default:
      return { kind: 'unknown', type: redactText(typeof type === 'string' ? type : '(no type)', 60) };
  }
}

function mapResults(results: Results, connection: number): LiveMessage | undefined {
  const channel = channelNumber(results.channel_index);
  const alternative = firstAlternative(results.channel);
  const { start, duration } = results;
  if (channel === undefined || alternative === undefined) return undefined;
  if (!isTime(start) || !isTime(duration) || typeof alternative.transcript !== 'string') return undefined;
  const requestId = isRecord(results.metadata) ? text(results.metadata.request_id) : undefined;
  return {
    kind: 'results',
    segment: {
      channel,
      text: alternative.transcript,
      start,
      end: start + duration,
      confidence: isNumber(alternative.confidence) ? alternative.confidence : 0,
      words: mapWords(alternative.words, connection),
    },
    isFinal: results.is_final === true,
    speechFinal: results.speech_final === true,
    fromFinalize: results.from_finalize === true,
    channels: channelCount((results.channel_index as readonly unknown[])[1], channel),
    ...(requestId !== undefined && { requestId }),
  };
}

function mapWords(words: unknown, connection: number): Word[] {
  if (!Array.isArray(words)) return [];
  return words.flatMap((word: unknown) => {
    const mapped = isRecord(word) ? mapWord(word, connection) : undefined;
    return mapped === undefined ? [] : [mapped];
  });
}

function mapWord(word: ResultWord, connection: number): Word | undefined {
  if (typeof word.word !== 'string' || !isTime(word.start) || !isTime(word.end)) return undefined;
  return {
    word: word.word,
    start: word.start,
    end: word.end,
    confidence: isNumber(word.confidence) ? word.confidence : 0,
    ...(typeof word.punctuated_word === 'string' && { punctuatedWord: word.punctuated_word }),
    ...(isNumber(word.speaker) && { speaker: word.speaker }),
    ...(typeof word.language === 'string' && { language: word.language }),
    connection,
  };
}

function mapMetadata(metadata: Metadata): LiveMessage {
  const requestId = text(metadata.request_id);
  const { duration, channels } = metadata;
  return {
    kind: 'metadata',
    ...(isTime(duration) && { durationSeconds: duration }),
    ...(isChannel(channels) && { channels }),
    ...(requestId !== undefined && { requestId }),
  };
}

function mapSpeechStarted(message: SpeechStarted): LiveMessage | undefined {
  const channel = channelNumber(message.channel);
  const { timestamp } = message;
  return channel === undefined || !isTime(timestamp)
    ? undefined
    : { kind: 'speech-start', channel, at: timestamp };
}

function mapUtteranceEnd(message: UtteranceEnd): LiveMessage | undefined {
  const channel = channelNumber(message.channel);
  const lastWordEnd = message.last_word_end;
  // -1 says that no word was heard since the utterance before.
  return channel === undefined || !isNumber(lastWordEnd)
    ? undefined
    : { kind: 'utterance-end', channel, lastWordEnd };
}

function firstAlternative(channel: unknown): Alternative | undefined {
  if (!isRecord(channel) || !Array.isArray(channel.alternatives)) return undefined;
  const first: unknown = channel.alternatives[0];
  return isRecord(first) ? first : undefined;
}

function channelNumber(index: unknown): number | undefined {
  const channel: unknown = Array.isArray(index) ? index[0] : undefined;
  return isChannel(channel) ? channel : undefined;
}

function channelCount(count: unknown, channel: number): number {
  return isChannel(count) ? Math.max(count, channel + 1) : channel + 1;
}

function isChannel(value: unknown): value is number {
  return isNumber(value) && Number.isInteger(value) && value >= 0 && value < MAX_CHANNELS;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isTime(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function malformed(type: string): LiveMessage {
  return {
    kind: 'warning',
    code: 'invalid_message',
    message: `Deepgram sent a ${type} message with missing or wrong fields. It was left out.`,
  };
}

function errorText(message: Readonly<Record<string, unknown>>): string {
  const said = [message.variant ?? message.code, message.description ?? message.message]
    .flatMap((part) => text(part) ?? [])
    .join(': ');
  return `Deepgram reported an error${said === '' ? '' : `: ${redactText(said)}`}.`;
}
