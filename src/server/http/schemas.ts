import { z } from 'zod';
import { deepgramOptions } from './deepgram-options.js';

/** What goes over the wire. The OpenAPI document and the types of the HTTP client are made of it. */

const isoTime = z.string().meta({ description: 'ISO 8601, UTC.' });
const seconds = z.number().min(0);
const confidence = z.number().meta({ description: '0 to 1.' });
const languageTag = z.string().meta({ description: 'BCP-47 tag.' });
const path = z.string().meta({ description: 'A path on this server.' });
const metadata = z
  .record(z.string(), z.unknown())
  .meta({ description: 'Plain JSON data of yours, kept with the transcript and the job.' });

export const transcriptMode = z.enum(['sync', 'async', 'stream']);

const secret = z.string().min(24).max(1024);

export const jobWebhook = z
  .strictObject({
    url: z.string().min(1).max(2048).meta({ description: 'An https: URL to a public address.' }),
    secret: z
      .union([secret, z.array(secret).min(1).max(10)], {
        error: 'Must be a string of 24 to 1024 characters, or an array of 1 to 10 of them.',
      })
      .optional()
      .meta({ description: "Signs the messages of this job. Default: the server's." }),
    includeText: z
      .boolean()
      .optional()
      .meta({ description: 'True: with the text, where the message stays small. Default false.' }),
  })
  .meta({ description: 'Where the job tells of its end, by a signed message (Standard Webhooks).' });

export const transcribeRequest = z
  .strictObject({
    audioUrl: z
      .string()
      .min(1)
      .max(16_384)
      .optional()
      .meta({ description: 'http(s) URL, which Deepgram fetches. Only mode stream goes without.' }),
    userId: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .meta({ description: 'Your own id. Another one is refused with 403.' }),
    mode: transcriptMode
      .optional()
      .meta({ description: 'Picks the mode yourself. Default: the router decides.' }),
    audioDuration: seconds
      .optional()
      .meta({ description: 'Seconds, where the length is known: the router decides by it.' }),
    priority: z.int().min(0).max(1_000_000).optional().meta({ description: '0, the default, runs first.' }),
    webhook: jobWebhook.optional(),
    idempotencyKey: z.string().min(1).max(255).optional().meta({
      description: 'The same key gets the same transcript or job, for 24 hours; with other audio 409.',
    }),
    metadata: metadata.optional(),
    options: deepgramOptions.optional(),
  })
  .meta({ description: 'What to transcribe, and how.' });

export const routeDecision = z
  .object({
    mode: transcriptMode,
    rule: z.string().meta({ description: 'Name of the rule that decided.' }),
    facts: z.looseObject({
      mode: transcriptMode.optional(),
      live: z.boolean(),
      durationSeconds: seconds.optional(),
      sizeBytes: z.number().optional(),
      contentType: z.string().optional(),
      probed: z.literal(true).optional(),
      userId: z.string().optional(),
      queueable: z.boolean(),
      allowAsync: z.boolean(),
    }),
  })
  .meta({ description: "The router's decision, and what it knew." });

const word = z.object({
  word: z.string(),
  punctuatedWord: z.string().optional(),
  start: z.number(),
  end: z.number(),
  confidence,
  speaker: z.number().optional(),
  speakerConfidence: z.number().optional(),
  language: languageTag.optional(),
  connection: z.number().optional(),
});

const utterance = z.object({
  start: z.number(),
  end: z.number(),
  confidence,
  channel: z.number(),
  text: z.string(),
  words: z.array(word),
  speaker: z.number().optional(),
});

const paragraph = z.object({
  channel: z.number(),
  start: z.number(),
  end: z.number(),
  sentences: z.array(z.object({ text: z.string(), start: z.number(), end: z.number() })),
  speaker: z.number().optional(),
});

export const transcript = z
  .object({
    id: z.string(),
    requestId: z.string().meta({ description: "Deepgram's id of the request." }),
    requestIds: z.array(z.string()),
    mode: transcriptMode,
    text: z.string(),
    durationSeconds: z.number(),
    language: languageTag.optional(),
    channels: z.array(
      z.object({
        text: z.string(),
        confidence,
        words: z.array(word),
        detectedLanguage: languageTag.optional(),
      }),
    ),
    utterances: z.array(utterance),
    paragraphs: z.array(paragraph),
    model: z.string(),
    region: z.string(),
    createdAt: isoTime,
    response: z.looseObject({}).meta({ description: "Deepgram's own answer." }),
  })
  .meta({ description: 'What was said.' });

export const storedTranscript = transcript
  .extend({
    userId: z.string().optional(),
    metadata: metadata.optional(),
    source: z.string().meta({ description: 'Where the audio came from.' }),
    status: z.literal('completed'),
    jobId: z.string().optional(),
  })
  .meta({ description: 'A transcript as it is kept.' });

export const syncAnswer = z
  .object({
    mode: z.literal('sync'),
    transcript,
    requestId: z.string().meta({ description: "Deepgram's id of the request." }),
    decision: routeDecision,
  })
  .meta({ description: 'The transcript.' });

export const asyncAnswer = z
  .object({
    mode: z.literal('async'),
    jobId: z.string(),
    statusUrl: path,
    eventsUrl: path,
    decision: routeDecision,
  })
  .meta({ description: 'The job that will make the transcript.' });

export const streamAnswer = z
  .object({
    mode: z.literal('stream'),
    url: z.string().meta({ description: 'WebSocket URL to stream the audio to.' }),
    token: z.string().meta({ description: 'Short-lived; opens the WebSocket.' }),
    expiresInSeconds: z.number(),
    decision: routeDecision.optional(),
  })
  .meta({ description: 'Where to stream the audio to.' });

/** Told apart by `mode`. */
export const transcribeAnswer = z.discriminatedUnion('mode', [syncAnswer, asyncAnswer, streamAnswer]);

export const tokenAnswer = z
  .object({ token: z.string(), expiresInSeconds: z.number() })
  .meta({ description: 'A short-lived token.' });

export { type DeepgramRequestOptions, deepgramOptions } from './deepgram-options.js';
export { type HealthAnswer, health } from './schemas-health.js';
export { errorData, type JobAnswer, type JobEventData, jobEvent, jobStatus } from './schemas-job.js';
export { type ProblemAnswer, problem } from './schemas-problem.js';

export type TranscribeRequest = z.input<typeof transcribeRequest>;
export type TranscribeAnswer = z.output<typeof transcribeAnswer>;
export type SyncAnswer = z.output<typeof syncAnswer>;
export type AsyncAnswer = z.output<typeof asyncAnswer>;
export type StreamAnswer = z.output<typeof streamAnswer>;
export type TranscriptAnswer = z.output<typeof storedTranscript>;
export type TokenAnswer = z.output<typeof tokenAnswer>;
