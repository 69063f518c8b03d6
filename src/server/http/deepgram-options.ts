import { z } from 'zod';
import type { PrerecordedDeepgramOptions } from '../../contracts/index.js';

const MAX_TEXT = 10_000;
const MAX_TEXTS = 100;

const flag = z.boolean({ error: 'Must be true or false.' });
const text = z
  .string({ error: 'Must be a string.' })
  .min(1, 'Must not be empty.')
  .max(MAX_TEXT, `Must have at most ${MAX_TEXT} characters.`);
const texts = z.union([text, z.array(text).min(1).max(MAX_TEXTS)], {
  error: `Must be a string of 1 to ${MAX_TEXT} characters, or an array of 1 to ${MAX_TEXTS} of them.`,
});

/** All that this library knows of Deepgram's parameters for pre-recorded audio: the type keeps it complete. */
const SHAPE = {
  model: text.meta({ description: 'Such as nova-3.' }),
  language: text.meta({ description: 'BCP-47 tag, or multi.' }),
  version: text,
  punctuate: flag.meta({ description: 'Capital letters and punctuation.' }),
  smart_format: flag.meta({ description: 'Dates, numbers, paragraphs and more in readable form.' }),
  numerals: flag,
  profanity_filter: flag,
  redact: texts.meta({ description: 'Classes of information to remove. Costs extra.' }),
  replace: texts.meta({ description: 'Each find:replacement.' }),
  search: texts,
  keyterm: texts,
  keywords: texts.meta({ description: 'Each word or word:intensifier.' }),
  dictation: flag,
  diarize: flag,
  diarize_model: text.meta({ description: 'latest, v1 or v2.' }),
  detect_entities: flag,
  multichannel: flag.meta({ description: 'Recognises each channel on its own.' }),
  encoding: text.meta({ description: 'Raw audio only.' }),
  sample_rate: z.int().min(1000).max(384_000).meta({ description: 'In hertz. Raw audio only.' }),
  channels: z.int().min(1).max(64).meta({ description: 'Raw audio only.' }),
  tag: texts,
  extra: texts,
  mip_opt_out: flag,
  detect_language: flag,
  filler_words: flag,
  measurements: flag,
  paragraphs: flag,
  utterances: flag,
  utt_split: z.number().min(0).max(60).meta({ description: 'Seconds of pause that end an utterance.' }),
  sentiment: flag,
  summarize: z.union([flag, text], { error: 'Must be true, false or a version such as v2.' }),
  topics: flag,
  custom_topic: texts,
  custom_topic_mode: text.meta({ description: 'strict or extended.' }),
  intents: flag,
  custom_intent: texts,
  custom_intent_mode: text.meta({ description: 'strict or extended.' }),
} as const satisfies Record<Exclude<keyof PrerecordedDeepgramOptions, 'query'>, z.ZodType>;

/** Under Deepgram's own names. Which of them a request may set is for the server to say. */
export const deepgramOptions = z
  .strictObject(SHAPE)
  .partial()
  .meta({ description: "Deepgram's options. The server says which of them a request may set." });

export type DeepgramRequestOptions = z.infer<typeof deepgramOptions>;
