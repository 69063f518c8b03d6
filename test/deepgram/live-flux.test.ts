import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, expect, test } from 'vitest';
import type { LiveConnection } from '../../src/contracts/index.js';
import type { LiveTransportOptions } from '../../src/deepgram/live.js';
import { chunksOf, RAW_16K, transportTo } from '../support/live.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';
import { closeOf, createLiveLog, eventually, type LiveLog } from './live-log.js';

const SPEECH = synthesizeSpeech([{ text: 'well hello big world', pauseAfterSeconds: 1.5 }], {
  container: 'raw',
  trailSeconds: 0.2,
});

let emulator: DeepgramEmulator | undefined;
let server: TestServer | undefined;

afterEach(async () => {
  await emulator?.close();
  await server?.close();
  emulator = undefined;
  server = undefined;
});

function fluxTo(endpoint: string, parameters: Partial<LiveTransportOptions['parameters']> = {}) {
  return transportTo(endpoint, {
    protocol: 'flux',
    parameters: { model: 'flux-general-en', ...RAW_16K, ...parameters },
  });
}

async function opened(endpoint: string): Promise<{ connection: LiveConnection; log: LiveLog }> {
  const log = createLiveLog();
  const connection = fluxTo(endpoint).connect(log.handlers);
  await eventually(() => log.calls[0]).toMatch(/^open/);
  return { connection, log };
}

test('the protocol is that of the options, v1 by default', () => {
  expect(transportTo('http://127.0.0.1:1').protocol).toBe('v1');
  expect(fluxTo('http://127.0.0.1:1').protocol).toBe('flux');
});

test('every parameter reaches /v2/listen', async () => {
  server = await startTestServer({ onStream: (socket) => socket.close() });
  const log = createLiveLog();
  fluxTo(server.url, {
    model: 'flux-general-multi',
    eot_threshold: 0.8,
    eager_eot_threshold: 0.4,
    keyterm: ['one', 'two'],
    language_hint: ['en', 'de'],
    mip_opt_out: true,
    new_one: 'x',
  }).connect(log.handlers);
  expect((await closeOf(log)).error).toBeUndefined();
  const url = new URL(server.requests[0]?.url ?? '', server.url);
  expect(url.pathname).toBe('/v2/listen');
  expect([...url.searchParams]).toEqual([
    ['model', 'flux-general-multi'],
    ['encoding', 'linear16'],
    ['sample_rate', '16000'],
    ['eot_threshold', '0.8'],
    ['eager_eot_threshold', '0.4'],
    ['keyterm', 'one'],
    ['keyterm', 'two'],
    ['language_hint', 'en'],
    ['language_hint', 'de'],
    ['mip_opt_out', 'true'],
    ['new_one', 'x'],
  ]);
  expect(server.requests[0]?.headers.authorization).toBe('Token test-key');
});

test('speech becomes turns, and the stream ends with an empty close after CloseStream', async () => {
  emulator = await startDeepgramEmulator();
  const { connection, log } = await opened(emulator.url);
  for (const frame of chunksOf(SPEECH.audio, 2560)) connection.sendAudio(frame);
  connection.sendControl('CloseStream');
  expect(await closeOf(log)).toEqual({ close: { code: 1005, reason: '' }, error: undefined });
  expect(log.messages[0]).toMatchObject({ type: 'Connected' });
  expect(log.messages.find(({ event }) => event === 'EndOfTurn')).toMatchObject({
    type: 'TurnInfo',
    transcript: 'well hello big world',
  });
});

test('Configure is sent as Deepgram wants it, and answered', async () => {
  emulator = await startDeepgramEmulator();
  const { connection, log } = await opened(emulator.url);
  connection.configure({ thresholds: { eot_threshold: 0.85 }, keyterms: ['Deepgram'] });
  await eventually(() => log.messages.at(-1)).toMatchObject({
    type: 'ConfigureSuccess',
    thresholds: { eot_threshold: 0.85 },
    keyterms: ['Deepgram'],
  });
  // Whatever type the message brings along.
  connection.configure({ type: 'CloseStream', thresholds: { eot_threshold: 7 } });
  await eventually(() => log.messages.at(-1)).toMatchObject({ type: 'ConfigureFailure' });
  connection.close();
  await closeOf(log);
});

test('KeepAlive and Finalize, which Flux does not know, are refused and not sent', async () => {
  emulator = await startDeepgramEmulator();
  const { connection, log } = await opened(emulator.url);
  expect(() => connection.sendControl('KeepAlive')).toThrow('KeepAlive');
  expect(() => connection.sendControl('Finalize')).toThrow('Finalize');
  expect(connection.ping()).toBe(true);
  await eventually(() => log.calls).toContain('pong');
  expect(log.calls).not.toContain('message Error');
  connection.close();
  await closeOf(log);
});

test('a fatal Error is a message like others, and the close behind it the failure', async () => {
  const reasons = [
    [1008, 'DATA-0000', { name: 'UnsupportedSourceError', retryable: false }],
    [1011, 'NET-0001', { name: 'ProviderError', retryable: true }],
  ] as const;
  for (const [code, reason, expected] of reasons) {
    server = await startTestServer({
      onStream: (socket) => {
        socket.send(JSON.stringify({ type: 'Error', sequence_id: 1, code: reason, description: 'why' }));
        socket.close(code, reason);
      },
    });
    const failed = createLiveLog();
    fluxTo(server.url).connect(failed.handlers);
    const { error } = await closeOf(failed);
    expect(error).toMatchObject({ ...expected, requestId: 'request-7', region: 'test' });
    expect(failed.messages).toEqual([{ type: 'Error', sequence_id: 1, code: reason, description: 'why' }]);
    await server.close();
  }
});

test.each([
  [401, 'AuthError', false, undefined],
  [402, 'AuthError', false, undefined],
  [429, 'RateLimitError', true, 2000],
  [503, 'ProviderError', true, undefined],
])('the emulator refuses with %i', async (status, name, retryable, retryAfterMs) => {
  const retryAfter = retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs / 1000 };
  emulator = await startDeepgramEmulator();
  emulator.faults.live.next({ kind: 'handshake', status, ...retryAfter });
  const log = createLiveLog();
  fluxTo(emulator.url).connect(log.handlers);
  expect((await closeOf(log)).error).toMatchObject({
    name,
    status,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
});
