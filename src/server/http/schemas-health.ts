import { z } from 'zod';

const severity = z.enum(['error', 'warning']);

/** What everybody may see of the client's health: no message, which could hold an address. */
export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'down']),
    problems: z.array(z.object({ part: z.string(), code: z.string(), severity })),
    checks: z
      .array(
        z.object({
          name: z.string(),
          region: z.string().optional().meta({ description: 'Of Deepgram.' }),
          state: z.enum(['ok', 'degraded', 'down', 'unknown']),
          latencyMs: z.number().optional(),
        }),
      )
      .optional(),
  })
  .meta({ description: 'Whether the server can work.' });

export type HealthAnswer = z.output<typeof health>;
