import type { Deepgram } from '@deepgram/sdk';
import type { FluxThresholds } from './flux-parameters.js';
import type { TurnEvent } from './flux-turns.js';
import { languagesOf } from './languages.js';
import { roundTime } from './words.js';

export type FluxMessage =
  | Deepgram.listen.ListenV2Connected
  | Deepgram.listen.ListenV2TurnInfo
  | Deepgram.listen.ListenV2ConfigureSuccess
  | Deepgram.listen.ListenV2ConfigureFailure
  | Deepgram.listen.ListenV2FatalError;

/** What can be changed while a stream runs. */
export interface FluxConfiguration {
  readonly thresholds: FluxThresholds;
  readonly keyterms: readonly string[];
  readonly languageHints: readonly string[];
}

/** Makes the messages of one stream. `sequence_id` counts all of them. */
export class FluxMessages {
  readonly #requestId: string;
  #sequenceId = 0;

  constructor(requestId: string) {
    this.#requestId = requestId;
  }

  connected(): FluxMessage {
    return { type: 'Connected', ...this.#envelope() } satisfies Deepgram.listen.ListenV2Connected;
  }

  /** The multilingual model tells which languages it heard. */
  turnInfo(event: TurnEvent, languageHints: readonly string[], isMultilingual: boolean): FluxMessage {
    const languages = isMultilingual ? languagesOf(event.words) : [];
    return {
      type: 'TurnInfo',
      ...this.#envelope(),
      event: event.name,
      turn_index: event.turnIndex,
      audio_window_start: roundTime(event.windowStart),
      audio_window_end: roundTime(event.windowEnd),
      transcript: event.words.map(({ word }) => word).join(' '),
      words: event.words.map(({ word, confidence, start, end }) => ({
        word,
        confidence,
        start: roundTime(start),
        end: roundTime(end),
      })),
      end_of_turn_confidence: roundTime(event.endConfidence),
      ...(event.trigger && { trigger: event.trigger }),
      ...(languages.length > 0 && { languages }),
      ...(languageHints.length > 0 && { languages_hinted: [...languageHints] }),
    } satisfies Deepgram.listen.ListenV2TurnInfo;
  }

  configured({ thresholds, keyterms, languageHints }: FluxConfiguration): FluxMessage {
    return {
      type: 'ConfigureSuccess',
      ...this.#envelope(),
      thresholds: {
        ...(thresholds.eager !== undefined && { eager_eot_threshold: thresholds.eager }),
        eot_threshold: thresholds.end,
        eot_timeout_ms: thresholds.timeoutMs,
      },
      keyterms: [...keyterms],
      ...(languageHints.length > 0 && { language_hints: [...languageHints] }),
    } satisfies Deepgram.listen.ListenV2ConfigureSuccess;
  }

  notConfigured(): FluxMessage {
    return {
      type: 'ConfigureFailure',
      ...this.#envelope(),
    } satisfies Deepgram.listen.ListenV2ConfigureFailure;
  }

  error(code: string, description: string): FluxMessage {
    const { sequence_id } = this.#envelope();
    return { type: 'Error', sequence_id, code, description } satisfies Deepgram.listen.ListenV2FatalError;
  }

  #envelope(): { request_id: string; sequence_id: number } {
    this.#sequenceId += 1;
    return { request_id: this.#requestId, sequence_id: this.#sequenceId - 1 };
  }
}
