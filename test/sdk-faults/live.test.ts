import type { LiveEvent } from 'transcription-client';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { clientOf } from '../support/client.js';
import { refusedUrl } from '../support/fault-server.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';
import { outcomeOf, rawSdk } from './raw-sdk.js';

const RAW_AUDIO = { encoding: 'linear16', sample_rate: 16_000 } as const;

let server: TestServer | undefined;

afterEach(() => server?.close());

/** A server that does with each connection what the test wants. */
async function startServer(onStream: (socket: WebSocket) => void): Promise<TestServer> {
  server = await startTestServer({ onStream });
  return server;
}

async function openRaw(url: string, options: { abortSignal?: AbortSignal } = {}) {
  const args = { model: 'nova-3', ...RAW_AUDIO, ...options };
  // The SDK's type asks for a header that it fills in itself.
  const socket = await rawSdk(url).listen.v1.createConnection(args as never);
  socket.on('error', () => undefined);
  socket.connect();
  return socket;
}

const frame = () => new Uint8Array(640);

describe('F22: waiting for a connection that is aborted', () => {
  it('never settles with the SDK', async () => {
    const controller = new AbortController();
    const socket = await openRaw(await refusedUrl(), { abortSignal: controller.signal });
    const open = socket.waitForOpen();
    open.catch(() => undefined);
    controller.abort();
    expect(await outcomeOf(open, 500)).toBe('pending');
    socket.close();
  });

  it('rejects here', async () => {
    await using client = clientOf(await refusedUrl());
    const controller = new AbortController();
    const live = client.stream({ ...RAW_AUDIO, signal: controller.signal });
    controller.abort();
    await expect(live.opened).rejects.toMatchObject({ name: 'AbortedError' });
  });
});

describe('F23: the results that come after the last audio', () => {
  const { audio, words } = synthesizeSpeech('these words are recognised late', { container: 'raw' });
  const spoken = words.map(({ word }) => word).join(' ');

  it('are dropped by close() of the SDK', async () => {
    await using emulator = await startDeepgramEmulator();
    const socket = await openRaw(emulator.url);
    const messages: unknown[] = [];
    socket.on('message', (message) => messages.push(message));
    await socket.waitForOpen();
    socket.sendMedia(audio);
    socket.close();
    await expect.poll(() => emulator.requests.at(-1)?.live?.closeCode).toBeDefined();
    expect(messages).toEqual([]);
  });

  it('are in what finish() returns', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const live = client.stream(RAW_AUDIO);
    await live.send(audio);
    expect((await live.finish()).text).toBe(spoken);
  });
});

describe('F27: a close with 1008, which no retry mends', () => {
  const refuse = (socket: WebSocket): void =>
    void socket.on('message', () => socket.close(1008, 'DATA-0000'));

  it('makes the SDK connect again', async () => {
    const { url, sockets } = await startServer(refuse);
    const socket = await openRaw(url);
    await socket.waitForOpen();
    socket.sendMedia(frame());
    await expect.poll(() => sockets.length, { timeout: 10_000 }).toBeGreaterThan(1);
    socket.close();
  });

  it('is a typed error here, at once', async () => {
    const { url, sockets } = await startServer(refuse);
    await using client = clientOf(url);
    const live = client.stream(RAW_AUDIO);
    await live.send(frame());
    await expect(live.finish()).rejects.toMatchObject({ code: 'unprocessable_audio', retryable: false });
    expect(sockets).toHaveLength(1);
  });
});

describe('F28: a message that is no JSON', () => {
  const babble = (socket: WebSocket): void => {
    socket.on('message', (_data, isBinary) => {
      if (isBinary) socket.send('this is no JSON');
      else socket.close(1000);
    });
  };

  it('is delivered as a string by the SDK, against its types', async () => {
    const socket = await openRaw((await startServer(babble)).url);
    const message = new Promise((resolve) => socket.on('message', resolve));
    await socket.waitForOpen();
    socket.sendMedia(frame());
    expect(await message).toBe('this is no JSON');
    socket.close();
  });

  it('is a warning here, and the session goes on', async () => {
    await using client = clientOf((await startServer(babble)).url);
    const live = client.stream(RAW_AUDIO);
    const warning = new Promise<LiveEvent>((resolve) => live.once('warning', resolve));
    await live.send(frame());
    expect(await warning).toMatchObject({ code: 'invalid_message' });
    expect((await live.finish()).text).toBe('');
  });
});
