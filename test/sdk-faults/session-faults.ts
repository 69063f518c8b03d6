import { setTimeout as wait } from 'node:timers/promises';
import type { LiveEvent } from 'transcription-client';
import { createFakeClock, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect } from 'vitest';
import type { WebSocket } from 'ws';
import { clientOf } from '../support/client.js';
import { refusedUrl } from '../support/fault-server.js';
import { startTestServer, type TestServer } from '../support/web-socket-server.js';
import { startFaultyEmulator } from './faulty-emulator.js';
import { eventually, openRaw, RAW_AUDIO } from './raw-live.js';
import { outcomeOf } from './raw-sdk.js';
import type { ScenariosById } from './run-faults.js';

const FRAME = new Uint8Array(640);
const LATE = synthesizeSpeech('these words are recognised late', { container: 'raw' });
const SPOKEN = LATE.words.map(({ word }) => word).join(' ');

/** Answers CloseStream with a close frame that has no code. */
function endWithoutCode(socket: WebSocket): void {
  socket.on('message', (_data, isBinary) => {
    if (!isBinary) socket.close();
  });
}

/** Closes as Deepgram does when it cannot decode the audio. */
function refuseAudio(socket: WebSocket): void {
  socket.on('message', () => socket.close(1008, 'DATA-0000'));
}

/** Answers audio with a text that is no JSON. */
function babble(socket: WebSocket): void {
  socket.on('message', (_data, isBinary) => {
    if (isBinary) socket.send('this is no JSON');
    else socket.close(1000);
  });
}

type Server = TestServer & AsyncDisposable;

/** A server that does that with each stream. */
async function startServer(onStream: (socket: WebSocket) => void): Promise<Server> {
  const server = await startTestServer({ onStream });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

/** Faults of a session whose connection does not break. */
export const SESSION_FAULTS: ScenariosById = {
  F20: {
    sdk: {
      'opens a second stream': async () => {
        await using server = await startServer(endWithoutCode);
        await using raw = await openRaw(server.url);
        await raw.socket.waitForOpen();
        raw.socket.sendMedia(FRAME);
        raw.socket.sendCloseStream({ type: 'CloseStream' });
        await eventually(() => raw.opens()).toBe(2);
        expect(raw.closes).toEqual([1005]);
        expect(server.sockets).toHaveLength(2);
      },
    },
    library: {
      'is done': async () => {
        await using server = await startServer(endWithoutCode);
        await using client = clientOf(server.url);
        const live = client.stream(RAW_AUDIO);
        await live.send(FRAME);
        await live.finish();
        expect(live.stats().state).toBe('ended');
        // An ended session has no timers, so nothing can follow.
        expect(server.sockets).toHaveLength(1);
      },
    },
  },
  F22: {
    sdk: {
      'never settles': async () => {
        const controller = new AbortController();
        await using raw = await openRaw(await refusedUrl(), { abortSignal: controller.signal });
        const open = raw.socket.waitForOpen();
        open.catch(() => undefined);
        controller.abort();
        expect(await outcomeOf(open, 500)).toBe('pending');
      },
    },
    library: {
      rejects: async () => {
        await using client = clientOf(await refusedUrl());
        const controller = new AbortController();
        const live = client.stream({ ...RAW_AUDIO, signal: controller.signal });
        controller.abort();
        await expect(live.opened).rejects.toMatchObject({ name: 'AbortedError' });
      },
    },
  },
  F23: {
    sdk: {
      'drops them in close()': async () => {
        await using emulator = await startDeepgramEmulator();
        await using raw = await openRaw(emulator.url);
        await raw.socket.waitForOpen();
        raw.socket.sendMedia(LATE.audio);
        raw.socket.close();
        await eventually(() => emulator.requests.at(-1)?.live?.closeCode).toBeDefined();
        expect(raw.messages).toEqual([]);
      },
    },
    library: {
      'has them in what finish() returns': async () => {
        await using emulator = await startDeepgramEmulator();
        await using client = clientOf(emulator.url);
        const live = client.stream(RAW_AUDIO);
        await live.send(LATE.audio);
        expect((await live.finish()).text).toBe(SPOKEN);
      },
    },
  },
  F24: {
    sdk: {
      'takes 22 MB and tells nothing': async () => {
        await using emulator = await startFaultyEmulator({ kind: 'stopReading' });
        await using raw = await openRaw(emulator.url);
        await raw.socket.waitForOpen();
        for (let sent = 0; sent < 22; sent += 1) raw.socket.sendMedia(new Uint8Array(1024 * 1024));
        await wait(2000);
        expect(raw.socket.socket.bufferedAmount).toBeGreaterThan(8 * 1024 * 1024);
        expect([...raw.errors, ...raw.closes]).toEqual([]);
      },
    },
    library: {
      'lets send() wait, in bounded memory': async () => {
        await using emulator = await startFaultyEmulator({ kind: 'stopReading' });
        await using client = clientOf(emulator.url);
        const live = client.stream(RAW_AUDIO);
        await live.opened;
        const sending = (async () => {
          for (let sent = 0; sent < 22 * 16; sent += 1) await live.send(new Uint8Array(64 * 1024));
        })();
        expect(await outcomeOf(sending, 2000)).toBe('pending');
        expect(live.stats().bytesBuffered).toBeLessThan(2 * 1024 * 1024);
        live.abort();
        await expect(sending).rejects.toMatchObject({ name: 'AbortedError' });
      },
      'connects again within 5 s': async () => {
        await using emulator = await startFaultyEmulator({ kind: 'stopReading' });
        const clock = createFakeClock();
        await using client = clientOf(emulator.url, { clock });
        const live = client.stream(RAW_AUDIO);
        const seen: string[] = [];
        live.on('reconnecting', ({ type }) => seen.push(type));
        await live.opened;
        for (let second = 0; second < 5; second += 1) {
          live.send(new Uint8Array(32_000)).catch(() => undefined);
          await clock.advance(1000);
        }
        const noticed = [...seen];
        live.abort();
        expect(noticed).toContain('reconnecting');
      },
    },
  },
  F25: {
    sdk: {
      'calls the second handler only': async () => {
        await using server = await startServer(babble);
        await using raw = await openRaw(server.url);
        const called: string[] = [];
        raw.socket.on('message', () => called.push('first'));
        raw.socket.on('message', () => called.push('second'));
        await raw.socket.waitForOpen();
        raw.socket.sendMedia(FRAME);
        await eventually(() => called).toContain('second');
        expect(called).toEqual(['second']);
      },
    },
    library: {
      'calls both': async () => {
        await using server = await startServer(babble);
        await using client = clientOf(server.url);
        const live = client.stream(RAW_AUDIO);
        const called: string[] = [];
        live.on('warning', () => called.push('first'));
        live.on('warning', () => called.push('second'));
        await live.send(FRAME);
        await eventually(() => called).toEqual(['first', 'second']);
        await live.finish();
      },
    },
  },
  F27: {
    sdk: {
      'connects again': async () => {
        await using server = await startServer(refuseAudio);
        await using raw = await openRaw(server.url);
        await raw.socket.waitForOpen();
        raw.socket.sendMedia(FRAME);
        await eventually(() => server.sockets.length).toBeGreaterThan(1);
      },
    },
    library: {
      'is a typed error, at once': async () => {
        await using server = await startServer(refuseAudio);
        await using client = clientOf(server.url);
        const live = client.stream(RAW_AUDIO);
        await live.send(FRAME);
        const refused = { code: 'unprocessable_audio', retryable: false };
        await expect(live.finish()).rejects.toMatchObject(refused);
        expect(server.sockets).toHaveLength(1);
      },
    },
  },
  F28: {
    sdk: {
      'delivers it as a string, against its types': async () => {
        await using server = await startServer(babble);
        await using raw = await openRaw(server.url);
        await raw.socket.waitForOpen();
        raw.socket.sendMedia(FRAME);
        await eventually(() => raw.messages).toEqual(['this is no JSON']);
      },
    },
    library: {
      'warns, and goes on': async () => {
        await using server = await startServer(babble);
        await using client = clientOf(server.url);
        const live = client.stream(RAW_AUDIO);
        const warning = new Promise<LiveEvent>((resolve) => live.once('warning', resolve));
        await live.send(FRAME);
        expect(await warning).toMatchObject({ code: 'invalid_message' });
        expect((await live.finish()).text).toBe('');
      },
    },
  },
};
