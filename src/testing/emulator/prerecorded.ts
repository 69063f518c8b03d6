import { createHash, randomUUID } from 'node:crypto';
import type { Deepgram } from '@deepgram/sdk';
import type { RecognizedWord, Recognizer } from '../recognizer.js';
import type { DecodedAudio } from './decode.js';
import { detectLanguage, languagesOf } from './languages.js';
import { diarizeInfo, modelInfo } from './models.js';
import type { ListenParameters } from './parameters.js';
import { mixDown } from './pcm.js';
import { turnsOf } from './speakers.js';
import {
  type ApiWord,
  confidenceOf,
  MULTILINGUAL,
  roundTime,
  splitAtPauses,
  styleWords,
  transcriptOf,
} from './words.js';

const SENTENCES_A_PARAGRAPH = 5;

export interface PrerecordedRequest {
  readonly requestId: string;
  /** The audio as it was received. */
  readonly bytes: Uint8Array;
  readonly audio: DecodedAudio;
  readonly parameters: ListenParameters;
  readonly recognizer: Recognizer;
  readonly signal: AbortSignal;
}

interface Channel {
  readonly heard: readonly RecognizedWord[];
  readonly utterances: readonly ApiWord[][];
}

/** Recognises a whole recording and builds Deepgram's answer. */
export async function transcribeRecording(request: PrerecordedRequest): Promise<Deepgram.ListenV1Response> {
  const { audio, parameters } = request;
  const { sampleRate } = audio;
  const sources = parameters.multichannel
    ? audio.channels.map((samples) => ({ samples, spokenOn: [samples] }))
    : [{ samples: mixDown(audio.channels), spokenOn: audio.channels }];
  const channels: Channel[] = [];
  for (const { samples, spokenOn } of sources) {
    const words = await request.recognizer({ samples, sampleRate }, { signal: request.signal, live: false });
    const utterances = utterancesOf(words, { channels: spokenOn, sampleRate }, parameters);
    channels.push({ heard: words, utterances });
  }
  return {
    metadata: metadataOf(request, channels.length),
    results: {
      channels: channels.map((channel) => channelResult(channel, parameters)),
      ...(parameters.utterances && { utterances: utteranceResults(channels, parameters) }),
    },
  } satisfies Deepgram.ListenV1Response;
}

function utterancesOf(
  words: readonly RecognizedWord[],
  audio: DecodedAudio,
  parameters: ListenParameters,
): ApiWord[][] {
  const turns = parameters.diarize ? turnsOf(words, audio) : [{ words, speaker: 0 }];
  return turns.flatMap((turn) =>
    splitAtPauses(turn.words, parameters.utteranceSplit).map((utterance) =>
      styleWords(utterance, parameters).map((word) =>
        parameters.diarize ? { ...word, speaker: turn.speaker, speaker_confidence: word.confidence } : word,
      ),
    ),
  );
}

function metadataOf(request: PrerecordedRequest, channels: number): Deepgram.ListenV1ResponseMetadata {
  const { audio, parameters } = request;
  const { uuid, ...info } = modelInfo(parameters.model);
  const metadata = {
    transaction_key: 'deprecated',
    request_id: request.requestId,
    sha256: createHash('sha256').update(request.bytes).digest('hex'),
    created: new Date().toISOString(),
    duration: roundTime((audio.channels[0]?.length ?? 0) / audio.sampleRate),
    channels,
    models: [uuid],
    model_info: { [uuid]: info },
    ...(parameters.diarize && { diarize_info: diarizeInfo(parameters.diarize) }),
    ...(parameters.tags.length > 0 && { tags: [...parameters.tags] }),
  } satisfies Deepgram.ListenV1ResponseMetadata;
  // `extra` comes back although the SDK's type does not know it.
  return Object.keys(parameters.extra).length > 0
    ? Object.assign(metadata, { extra: parameters.extra })
    : metadata;
}

function channelResult(
  { heard, utterances }: Channel,
  parameters: ListenParameters,
): Deepgram.ListenV1ResponseResultsChannelsItem {
  const words = utterances.flat();
  const alternative = {
    transcript: transcriptOf(words),
    confidence: confidenceOf(words),
    // Of its words the SDK's type does not know `punctuated_word` and `language`, which come.
    words,
    ...(parameters.paragraphs && { paragraphs: paragraphsOf(utterances, parameters) }),
  } satisfies Deepgram.ListenV1ResponseResultsChannelsItem.Alternatives.Item;
  const detected = parameters.detectLanguage && detectLanguage(heard, parameters.detectLanguage);
  const result = {
    alternatives: [
      // `languages` comes although the SDK's type does not know it.
      parameters.language === MULTILINGUAL
        ? Object.assign(alternative, { languages: languagesOf(heard) })
        : alternative,
    ],
    ...(detected && { detected_language: detected.language }),
  } satisfies Deepgram.ListenV1ResponseResultsChannelsItem;
  // `language_confidence` comes although the SDK's type does not know it.
  return detected ? Object.assign(result, { language_confidence: detected.confidence }) : result;
}

function utteranceResults(
  channels: readonly Channel[],
  parameters: ListenParameters,
): Deepgram.ListenV1ResponseResultsUtterances {
  return channels
    .flatMap(({ utterances }, index) =>
      utterances.map((words) => ({
        ...spanOf(words),
        confidence: confidenceOf(words),
        channel: index,
        transcript: transcriptOf(words),
        words,
        ...(parameters.diarize && { speaker: words[0]?.speaker ?? 0 }),
        id: randomUUID(),
      })),
    )
    .sort((a, b) => a.start - b.start) satisfies Deepgram.ListenV1ResponseResultsUtterances;
}

type Paragraphs = Deepgram.ListenV1ResponseResultsChannelsItem.Alternatives.Item.Paragraphs;

/** Each utterance is a sentence. A paragraph has one speaker. */
function paragraphsOf(utterances: readonly ApiWord[][], parameters: ListenParameters): Paragraphs {
  const groups: ApiWord[][][] = [];
  for (const sentence of utterances) {
    const group = groups.at(-1);
    const isSameSpeaker = group?.[0]?.[0]?.speaker === sentence[0]?.speaker;
    if (group && isSameSpeaker && group.length < SENTENCES_A_PARAGRAPH) group.push(sentence);
    else groups.push([sentence]);
  }
  return {
    transcript: groups.map((sentences) => `\n${sentences.map(transcriptOf).join(' ')}`).join('\n'),
    paragraphs: groups.map((sentences) => ({
      sentences: sentences.map((words) => ({ text: transcriptOf(words), ...spanOf(words) })),
      num_words: sentences.flat().length,
      ...spanOf(sentences.flat()),
      ...(parameters.diarize && { speaker: sentences[0]?.[0]?.speaker ?? 0 }),
    })),
  } satisfies Paragraphs;
}

function spanOf(words: readonly ApiWord[]): { start: number; end: number } {
  return { start: words[0]?.start ?? 0, end: words.at(-1)?.end ?? 0 };
}
