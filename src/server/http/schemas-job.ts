import { z } from 'zod';

const isoTime = z.string().meta({ description: 'ISO 8601, UTC.' });

export const errorData = z
  .object({
    name: z.string(),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    ambiguous: z.boolean(),
    status: z.number().optional(),
    requestId: z.string().optional(),
    region: z.string().optional(),
    attempt: z.number().optional(),
  })
  .meta({ description: 'Why an attempt or a job failed.' });

const job = z.object({
  id: z.string(),
  userId: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  priority: z.number(),
  attempts: z.number().meta({ description: 'Begun so far.' }),
  maxAttempts: z.number(),
  createdAt: isoTime,
});

export const jobStatus = z
  .discriminatedUnion('state', [
    job.extend({ state: z.literal('queued'), lastError: errorData.optional() }),
    job.extend({ state: z.literal('active'), startedAt: isoTime }),
    job.extend({
      state: z.literal('completed'),
      transcriptId: z.string(),
      transcriptUrl: z.string().optional().meta({ description: 'A path on this server.' }),
      finishedAt: isoTime,
    }),
    job.extend({ state: z.literal('failed'), error: errorData, finishedAt: isoTime }),
    job.extend({ state: z.literal('cancelled'), finishedAt: isoTime }),
  ])
  .meta({ description: 'A job at one moment.' });

const progress = z.object({
  phase: z.enum(['uploading', 'processing', 'storing']),
  sentBytes: z.number().optional(),
  totalBytes: z.number().optional(),
});

/** The data of one server-sent event. */
export const jobEvent = z
  .discriminatedUnion('type', [
    z.object({
      type: z.enum(['queued', 'active', 'completed', 'failed', 'cancelled']),
      status: jobStatus,
    }),
    z.object({ type: z.literal('progress'), status: jobStatus, progress }),
  ])
  .meta({ description: 'One step of a job. The last one is completed, failed or cancelled.' });

export type JobAnswer = z.output<typeof jobStatus>;
export type JobEventData = z.output<typeof jobEvent>;
