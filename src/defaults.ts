/** What a client does where its options do not say. */
export const CLIENT_DEFAULTS = {
  model: 'nova-3',
  project: 'default',
  region: { name: 'default', endpoint: 'https://api.deepgram.com' },
  timeoutMs: 600_000,
  retry: { attempts: 3, minDelayMs: 1000, maxDelayMs: 20_000, ambiguous: false },
  retryBudget: 20,
  storageRetry: { attempts: 1, minDelayMs: 1000, maxDelayMs: 60_000 },
  limits: { maxConcurrent: 50, maxConcurrentStreams: 50, maxWaiting: 1000 },
  queue: { concurrency: 10, attempts: 3, backoffMs: 5000, maxBackoffMs: 300_000, whenDown: 'reject' },
  webhooks: { allow: [] as readonly string[], timeoutMs: 15_000, concurrency: 5 },
  callback: { timeoutMs: 3_600_000, maxBodyBytes: 67_108_864 },
  live: { connectTimeoutMs: 10_000, finishTimeoutMs: 15_000 },
} as const;

/** `defaults` with what `options` sets; undefined sets nothing. */
export function merge<Defaults extends object>(defaults: Defaults, options: object | undefined): Defaults {
  const set = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}
