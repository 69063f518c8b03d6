// @ts-check
import { DeepgramClient } from '@deepgram/sdk';
import { TranscriptionClient } from 'transcription-client';

/**
 * The library in its default configuration: storage on, and a listener that makes it tell its events.
 *
 * @param {string} url
 * @param {import('transcription-client').ClientOptions} [options]
 */
export function libraryClient(url, options = {}) {
  const client = new TranscriptionClient({
    apiKey: 'bench',
    regions: [{ name: 'bench', endpoint: url }],
    ...options,
  });
  client.on('request-end', () => undefined);
  return client;
}

/**
 * The SDK as its users make it.
 *
 * @param {string} url
 */
export function rawSdk(url) {
  const socketUrl = url.replace(/^http/, 'ws');
  return new DeepgramClient({
    apiKey: 'bench',
    environment: { base: url, production: socketUrl, agent: socketUrl, agentRest: url },
  });
}
