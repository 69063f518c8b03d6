/** A whole answer: status, headers and the body as text. */
export interface HttpAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
  /** What the client's wall clock showed when it came. */
  readonly receivedAtMs: number;
}
