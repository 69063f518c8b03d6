import type { JobState } from 'transcription-client';
import type { Places } from '../queue/processes/backend.js';

/** What a process of the run of jobs is started with. */
export interface JobsParameters {
  readonly role: 'worker' | 'producer';
  readonly places: Places;
  readonly audioUrl: string;
  /** Where webhooks go. */
  readonly receiver: string;
  readonly seed: number;
  /** Begins the tags of its jobs. */
  readonly name: string;
  /** When the run began, in milliseconds since 1970: keys change with its seconds. */
  readonly startedAt: number;
  readonly concurrency: number;
  readonly drainMs: number;
  readonly whenDown: 'reject' | 'keep';
}

/** What happens in such a process: it prints each as one line of JSON. */
export type JobsLine =
  | { readonly type: 'ready' | 'stopped' | 'closed' }
  | {
      readonly type: 'job';
      readonly id: string;
      readonly state: JobState;
      readonly attempt: number;
      readonly code?: string;
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly id?: string }
  | { readonly type: 'acknowledged'; readonly id: string; readonly tag: string }
  | { readonly type: 'cancelled'; readonly id: string; readonly wasDone: boolean }
  | { readonly type: 'retried'; readonly id: string }
  | { readonly type: 'result'; readonly id: string; readonly outcome: string }
  | { readonly type: 'refused'; readonly call: string; readonly error: string; readonly code: string };

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** The last line of a process that was killed may be half a line. */
export function parseLines(lines: readonly string[]): readonly JobsLine[] {
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as JobsLine];
    } catch {
      return [];
    }
  });
}
