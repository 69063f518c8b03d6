import type { Deepgram } from '@deepgram/sdk';
import { languagesOf } from './languages.js';
import type { ChannelEvent } from './live-channel.js';
import { diarizeInfo, modelInfo } from './models.js';
import type { ListenParameters } from './parameters.js';
import { confidenceOf, MULTILINGUAL, roundTime, styleWords, transcriptOf } from './words.js';

export type LiveMessage =
  | Deepgram.listen.v1.ListenV1Results
  | Deepgram.listen.v1.ListenV1Metadata
  | Deepgram.listen.v1.ListenV1SpeechStarted
  | Deepgram.listen.v1.ListenV1UtteranceEnd
  | LiveError;

/** The SDK has no type for it: Deepgram does not document it, and sends it. */
export interface LiveError {
  readonly type: 'Error';
  readonly variant: string;
  readonly description: string;
  readonly message: string;
}

export interface LiveContext {
  readonly requestId: string;
  readonly parameters: ListenParameters;
  /** Channels that are recognised. */
  readonly channels: number;
}

/** What the client reads when a channel has something to report. */
export function liveMessage(channel: number, event: ChannelEvent, context: LiveContext): LiveMessage {
  const index = [channel, context.channels];
  switch (event.type) {
    case 'speech-started':
      return {
        type: 'SpeechStarted',
        channel: index,
        timestamp: roundTime(event.at),
      } satisfies Deepgram.listen.v1.ListenV1SpeechStarted;
    case 'utterance-end':
      return {
        type: 'UtteranceEnd',
        channel: index,
        last_word_end: roundTime(event.lastWordEnd),
      } satisfies Deepgram.listen.v1.ListenV1UtteranceEnd;
    case 'segment':
      return resultsMessage(index, event, context);
  }
}

type Segment = Extract<ChannelEvent, { type: 'segment' }>;

function resultsMessage(
  index: number[],
  segment: Segment,
  context: LiveContext,
): Deepgram.listen.v1.ListenV1Results {
  const { model, diarize, language } = context.parameters;
  const { uuid, name, version, arch } = modelInfo(model);
  const edges = { begins: segment.beginsUtterance, ends: segment.speechFinal };
  const words = styleWords(segment.words, context.parameters, edges);
  return {
    type: 'Results',
    channel_index: index,
    start: roundTime(segment.start),
    duration: roundTime(segment.end - segment.start),
    is_final: segment.kind === 'final',
    speech_final: segment.speechFinal,
    from_finalize: segment.fromFinalize,
    channel: {
      alternatives: [
        {
          transcript: transcriptOf(words),
          confidence: confidenceOf(words),
          ...(language === MULTILINGUAL && { languages: languagesOf(segment.words) }),
          words,
        },
      ],
    },
    metadata: {
      request_id: context.requestId,
      model_info: { name, version, arch },
      model_uuid: uuid,
      ...(diarize && { diarize_info: diarizeInfo(diarize) }),
    },
  } satisfies Deepgram.listen.v1.ListenV1Results;
}

/** The last message of a stream. */
export function metadataMessage(
  context: LiveContext,
  audio: { readonly sha256: string; readonly created: string; readonly durationSeconds: number },
): Deepgram.listen.v1.ListenV1Metadata {
  const { uuid, ...info } = modelInfo(context.parameters.model);
  const message = {
    type: 'Metadata',
    transaction_key: 'deprecated',
    request_id: context.requestId,
    sha256: audio.sha256,
    created: audio.created,
    duration: roundTime(audio.durationSeconds),
    channels: context.channels,
  } satisfies Deepgram.listen.v1.ListenV1Metadata;
  const { extra } = context.parameters;
  // The API sends these although the SDK's type does not know them.
  return Object.assign(message, {
    models: [uuid],
    model_info: { [uuid]: info },
    ...(Object.keys(extra).length > 0 && { extra }),
  });
}
