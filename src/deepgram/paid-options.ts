import type { EventSink } from '../contracts/index.js';
import type { Parameters } from './map-options.js';

/**
 * Options that Deepgram bills beside the transcription itself, or by which it bills more of it.
 *
 * Source: Deepgram's price list, "Add-ons" and "Audio intelligence". Prices change; a warning is no invoice.
 */
const PAID_OPTIONS: readonly string[] = [
  'custom_intent',
  'custom_topic',
  'detect_entities',
  'diarize',
  'diarize_model',
  'intents',
  'keyterm',
  'multichannel',
  'redact',
  'sentiment',
  'summarize',
  'topics',
];

/** Tells of each option that costs extra, once per client. */
export function createPaidOptionWarning(emit: EventSink): (parameters: Parameters, callId: string) => void {
  const told = new Set<string>();
  return (parameters, callId) => {
    for (const name of PAID_OPTIONS) {
      const value = parameters[name];
      if (value === undefined || value === false || told.has(name)) continue;
      told.add(name);
      const message = `The option ${name} costs extra at Deepgram. This is told once for each client.`;
      emit({ type: 'warning', code: 'paid-option', message, callId });
    }
  };
}
