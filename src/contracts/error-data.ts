/** An error as data: safe to store, to log and to send on. */
export interface ErrorData {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly ambiguous: boolean;
  readonly status?: number;
  readonly requestId?: string;
  readonly region?: string;
  readonly attempt?: number;
}
