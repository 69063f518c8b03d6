import { DeepgramClient } from '@deepgram/sdk';

/** The SDK as its users make it, pointed at a server of the test. */
export function rawSdk(url: string, options: { readonly maxRetries?: number } = {}): DeepgramClient {
  const ws = url.replace(/^http/, 'ws');
  const environment = { base: url, production: ws, agent: ws, agentRest: url };
  return new DeepgramClient({ apiKey: 'test-key', environment, ...options });
}

/** How a promise ended, or that it had not within the time. */
export async function outcomeOf(
  promise: Promise<unknown>,
  withinMs = 5000,
): Promise<{ value: unknown } | { error: Error } | 'pending'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'pending'>((resolve) => {
    timer = setTimeout(() => resolve('pending'), withinMs);
  });
  const settled = promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  const outcome = await Promise.race([settled, late]);
  clearTimeout(timer);
  return outcome;
}

/** The error of a call that has to fail. */
export async function rawFailure(promise: Promise<unknown>): Promise<Error> {
  const outcome = await outcomeOf(promise);
  if (outcome === 'pending' || !('error' in outcome)) throw new Error('The call was expected to fail.');
  return outcome.error;
}
