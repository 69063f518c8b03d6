import type {
  Paragraph,
  PrerecordedResponse,
  Sentence,
  TranscriptChannel,
  Utterance,
  Word,
} from '../contracts/index.js';
import { type Json, type JsonObject, list, listOf, number, object, optional, text } from './read-json.js';

/** The parts of a transcript that come from Deepgram's answer. */
export interface MappedResult {
  readonly requestId: string;
  readonly durationSeconds: number;
  readonly language: string | undefined;
  readonly channels: readonly TranscriptChannel[];
  readonly utterances: readonly Utterance[];
  readonly paragraphs: readonly Paragraph[];
  readonly response: PrerecordedResponse;
}

/**
 * Reads Deepgram's answer, believing nothing.
 *
 * @throws InvalidJson that names the first field which is not what a transcript has.
 */
export function mapResult(body: unknown): MappedResult {
  const response = object(body, 'body');
  const metadata = object(response.metadata, 'metadata');
  const results = object(response.results, 'results');
  const channels = list(results.channels, 'results.channels', 1).map(mapChannel);
  return {
    requestId: text(metadata.request_id, 'metadata.request_id', 1),
    durationSeconds: number(metadata.duration, 'metadata.duration'),
    language: channels.find((channel) => channel.detectedLanguage !== undefined)?.detectedLanguage,
    channels,
    utterances:
      optional(results.utterances, (value) => list(value, 'results.utterances').map(mapUtterance)) ?? [],
    paragraphs: list(results.channels, 'results.channels').flatMap(mapParagraphs),
    response: { ...response, metadata, results },
  };
}

/** The request's id, from an answer that may be anything. */
export function findRequestId(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { request_id, metadata } = body as {
    request_id?: unknown;
    metadata?: { request_id?: unknown } | null;
  };
  const id = typeof request_id === 'string' ? request_id : metadata?.request_id;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function mapChannel(value: Json, index: number): TranscriptChannel {
  const path = `results.channels[${index}]`;
  const channel = object(value, path);
  const best = bestAlternative(channel, path);
  const language = optional(channel.detected_language, (found) => text(found, `${path}.detected_language`));
  return {
    text: text(best.transcript, `${path}.transcript`),
    confidence: number(best.confidence ?? 0, `${path}.confidence`),
    words: listOf(best.words ?? [], `${path}.words`, mapWord),
    ...(language === undefined ? {} : { detectedLanguage: language }),
  };
}

function bestAlternative(channel: JsonObject, path: string): JsonObject {
  return object(list(channel.alternatives, `${path}.alternatives`, 1)[0], `${path}.alternatives[0]`);
}

function mapWord(value: Json): Word {
  const word = object(value, '');
  const start = number(word.start, 'start');
  const mapped: Writable<Word> = {
    word: text(word.word, 'word'),
    start,
    end: number(word.end, 'end', start),
    confidence: number(word.confidence ?? 0, 'confidence'),
  };
  const { punctuated_word, speaker, speaker_confidence, language } = word;
  if (isThere(punctuated_word)) mapped.punctuatedWord = text(punctuated_word, 'punctuated_word');
  if (isThere(speaker)) mapped.speaker = number(speaker, 'speaker');
  if (isThere(speaker_confidence)) {
    mapped.speakerConfidence = number(speaker_confidence, 'speaker_confidence');
  }
  if (isThere(language)) mapped.language = text(language, 'language');
  return mapped;
}

function mapUtterance(value: Json, index: number): Utterance {
  const path = `results.utterances[${index}]`;
  const utterance = object(value, path);
  const start = number(utterance.start, `${path}.start`);
  const speaker = optional(utterance.speaker, (found) => number(found, `${path}.speaker`));
  return {
    start,
    end: number(utterance.end, `${path}.end`, start),
    confidence: number(utterance.confidence ?? 0, `${path}.confidence`),
    channel: number(utterance.channel ?? 0, `${path}.channel`),
    text: text(utterance.transcript, `${path}.transcript`),
    words: listOf(utterance.words ?? [], `${path}.words`, mapWord),
    ...(speaker === undefined ? {} : { speaker }),
  };
}

function mapParagraphs(value: Json, channel: number): Paragraph[] {
  const path = `results.channels[${channel}]`;
  const found = bestAlternative(object(value, path), path).paragraphs;
  if (found === undefined || found === null) return [];
  const items = list(object(found, `${path}.paragraphs`).paragraphs ?? [], `${path}.paragraphs.paragraphs`);
  return items.map((item, index) => mapParagraph(item, channel, `${path}.paragraphs[${index}]`));
}

function mapParagraph(value: Json, channel: number, path: string): Paragraph {
  const paragraph = object(value, path);
  const speaker = optional(paragraph.speaker, (found) => number(found, `${path}.speaker`));
  const start = number(paragraph.start, `${path}.start`);
  return {
    channel,
    start,
    end: number(paragraph.end, `${path}.end`, start),
    sentences: list(paragraph.sentences ?? [], `${path}.sentences`).map((sentence, index) =>
      mapSentence(sentence, `${path}.sentences[${index}]`),
    ),
    ...(speaker === undefined ? {} : { speaker }),
  };
}

function mapSentence(value: Json, path: string): Sentence {
  const sentence = object(value, path);
  const start = number(sentence.start, `${path}.start`);
  return {
    text: text(sentence.text, `${path}.text`),
    start,
    end: number(sentence.end, `${path}.end`, start),
  };
}

type Writable<Fields> = { -readonly [Key in keyof Fields]: Fields[Key] };

function isThere(value: Json): boolean {
  return value !== undefined && value !== null;
}
