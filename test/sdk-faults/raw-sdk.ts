import type { DeepgramClient } from '@deepgram/sdk';

/**
 * The SDK draws its first delay before a reconnect, 1 to 5 s, once, when it is loaded. Here it draws one of
 * the shortest, so that tests are quick.
 */
async function loadSdk(): Promise<typeof import('@deepgram/sdk')> {
  const { random } = Math;
  Math.random = () => random() / 100;
  try {
    return await import('@deepgram/sdk');
  } finally {
    Math.random = random;
  }
}

const sdk = await loadSdk();

/** The longest delay before the SDK's second attempt to reconnect. */
export const SECOND_RECONNECT_MS = 1040 * 1.3;

export interface RawOptions {
  readonly maxRetries?: number;
  readonly accessToken?: () => string;
}

/** The SDK as its users make it, pointed at a server of the test. */
export function rawSdk(url: string, options: RawOptions = {}): DeepgramClient {
  const ws = url.replace(/^http/, 'ws');
  const environment = { base: url, production: ws, agent: ws, agentRest: url };
  const { accessToken, ...others } = options;
  return accessToken === undefined
    ? new sdk.DeepgramClient({ apiKey: 'test-key', environment, ...others })
    : new sdk.DeepgramClient({ accessToken, environment, ...others });
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
