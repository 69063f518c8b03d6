import { z } from 'zod';

/** RFC 9457. */
export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Never changes its meaning.' }),
    requestId: z.string().meta({ description: 'That of the header x-request-id.' }),
    errors: z
      .array(
        z.object({ field: z.string().meta({ description: 'Such as options.model.' }), message: z.string() }),
      )
      .optional(),
  })
  .meta({ description: 'Why there is nothing else to answer.' });

export type ProblemAnswer = z.output<typeof problem>;
