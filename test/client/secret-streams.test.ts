import type { ClientOptions, StreamOptions } from 'transcription-client';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { shown, watchedClient } from '../support/leaks.js';
import { collect, RAW_16K } from '../support/live.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';

const KEY = 'CANARY-key-0123456789';
/** As long as a token is: the reason of a close has no room for it. */
const TOKEN = `CANARY-${'0123456789abcdef'.repeat(20)}`;
const SECRETS: [string, ClientOptions, string][] = [
  ['key', { apiKey: KEY }, KEY],
  ['token', { accessToken: async () => TOKEN }, TOKEN],
];
const MODELS = ['nova-3', 'flux-general-en'] as const;

let server: TestServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** All that one session and its client tell, the error included. */
async function told(client: ClientOptions, options: StreamOptions, onStream: (socket: WebSocket) => void) {
  server = await startTestServer({ onStream });
  const { client: watched, seen } = watchedClient({
    regions: [{ name: 'here', endpoint: server.url }],
    ...client,
  });
  const live = watched.stream({ ...RAW_16K, reconnect: false, ...options });
  const events = await collect(live);
  const { error } = events.find((event) => event.type === 'error') ?? {};
  const rejected = await live.finish().catch((failure: unknown) => failure);
  await watched.close({ timeoutMs: 0 });
  return { error, text: [...events, error, rejected].map(shown).concat(seen()).join('\n') };
}

const HIDDEN = /canary|0123456789/i;

describe.each(SECRETS)('a stream shows nothing of its %s', (_name, client, secret) => {
  it.each([
    [1000, 'connection_closed'],
    [1008, 'unprocessable_audio'],
    [1011, 'provider_error'],
    [1013, 'connection_closed'],
    [4000, 'connection_closed'],
  ])('that the reason of a close with %i quotes', async (code, expected) => {
    for (const model of MODELS) {
      const reason = `bad Token ${secret}`.slice(0, 123);
      const { error, text } = await told(client, { model }, (socket) => socket.close(code, reason));
      expect(error).toMatchObject({ code: expected, message: expect.stringContaining('bad Token ***') });
      expect(text).not.toMatch(HIDDEN);
      await server?.close();
    }
  });

  it.each([
    ['v1', 'nova-3', { variant: secret, description: `Token ${secret} is bad` }],
    ['v1, in its other shape', 'nova-3', { code: secret, message: `Token ${secret} is bad` }],
    ['v1, cut short', 'nova-3', { description: `Token ${secret.slice(0, 20)}` }],
    ['Flux', 'flux-general-en', { code: secret, description: `Token ${secret} is bad` }],
  ])('that an Error message of %s quotes', async (_protocol, model, fields) => {
    const { error, text } = await told(client, { model }, (socket) => {
      socket.send(JSON.stringify({ type: 'Error', ...fields }));
      socket.close(1011);
    });
    expect(error).toMatchObject({ code: 'provider_error' });
    expect(text).toContain('Token ***');
    expect(text).toContain('provider_message');
    expect(text).not.toMatch(HIDDEN);
  });

  it.each([
    ['a type of v1', 'nova-3', { type: `News of ${secret}` }],
    ['a type of Flux', 'flux-general-en', { type: `News of ${secret}` }],
    ['an event of Flux', 'flux-general-en', { type: 'TurnInfo', event: `News of ${secret}` }],
  ])('that the name of %s quotes', async (_name, model, message) => {
    const { text } = await told(client, { model }, (socket) => {
      socket.send(JSON.stringify(message));
      socket.close(1011);
    });
    expect(text).toContain('unknown_message');
    expect(text).toContain('News of ***');
    expect(text).not.toMatch(HIDDEN);
  });
});
