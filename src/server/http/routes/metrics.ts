import { TranscriptionError } from '../../../errors/index.js';
import type { MetricsSource } from '../options.js';
import type { Route } from '../types.js';

/** `GET /metrics`: what Prometheus scrapes. */
export function metricsRoute(source: MetricsSource): Route {
  return {
    method: 'GET',
    path: '/metrics',
    scope: 'metrics',
    async handle() {
      const text = await textOf(source);
      return new Response(text, {
        headers: { 'content-type': source.contentType, 'cache-control': 'no-store' },
      });
    },
  };
}

async function textOf(source: MetricsSource): Promise<string> {
  try {
    return await source.metrics();
  } catch (cause) {
    throw new TranscriptionError('The option metrics has failed. Its error is the cause.', {
      code: 'internal',
      cause,
    });
  }
}
