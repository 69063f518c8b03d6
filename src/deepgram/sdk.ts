import { TranscriptionError } from '../errors/index.js';

export type DeepgramSdk = typeof import('@deepgram/sdk');

/**
 * Loads the SDK at the first call: importing it costs a few hundred milliseconds. The module loader keeps
 * it, so later calls cost nothing.
 */
export async function loadSdk(): Promise<DeepgramSdk> {
  try {
    return await import('@deepgram/sdk');
  } catch (cause) {
    throw new TranscriptionError(
      'The package @deepgram/sdk could not be loaded. Run: npm install @deepgram/sdk',
      {
        code: 'internal',
        cause,
      },
    );
  }
}
