import { type ClientOptions, TranscriptionClient, TranscriptionError } from 'transcription-client';

/** A client of one endpoint that retries without long waits. */
export function clientOf(endpoint: string, options: ClientOptions = {}): TranscriptionClient {
  return new TranscriptionClient({
    apiKey: 'test-key',
    regions: [{ name: 'here', endpoint }],
    retry: { minDelayMs: 1, maxDelayMs: 20 },
    ...options,
  });
}

/** The error that a promise must reject with. Anything but a TranscriptionError fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<TranscriptionError> {
  const outcome = await promise.then(
    () => ({ rejected: false, error: undefined as unknown }),
    (error: unknown) => ({ rejected: true, error }),
  );
  if (!outcome.rejected) throw new Error('The promise was expected to reject.');
  if (!TranscriptionError.isInstance(outcome.error)) throw outcome.error;
  return outcome.error;
}
