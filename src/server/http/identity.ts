/** Who asks. */
export interface Principal {
  /** Jobs and transcripts belong to this user; those of others are not there. */
  readonly userId: string;
  /** What this user may do: `transcribe`, `read`, `stream`, `metrics`. Undefined: everything. */
  readonly scopes?: readonly string[];
}

export type Scope = 'transcribe' | 'read' | 'stream' | 'metrics';
