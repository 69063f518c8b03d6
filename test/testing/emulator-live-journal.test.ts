import {
  type DeepgramEmulator,
  type LiveFaultInput,
  startDeepgramEmulator,
  synthesizeConversation,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createFakeClock } from '../../src/testing/fake-clock.js';
import { closeStream, framesOf, openLive, refusedLive, sendFrames } from './emulator-client.js';
import { openFlux, stream } from './emulator-flux-client.js';

const RAW = { encoding: 'linear16', sample_rate: '16000' };
const LIVE = `/v1/listen?${new URLSearchParams(RAW)}`;
const FLUX = `/v2/listen?${new URLSearchParams({ model: 'flux-general-en', ...RAW })}`;
const SPEECH = synthesizeSpeech(
  [{ text: 'hello big world', pauseAfterSeconds: 1.5 }, { text: 'good bye now' }],
  { container: 'raw' },
);

const clock = createFakeClock();
let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator({ clock });
});
afterEach(() => emulator.close());

const only = () => emulator.requests[0];

/** Both kinds of streams, opened. */
const STREAMS = [
  ['v1', () => openLive(emulator)],
  ['Flux', () => openFlux(emulator)],
] as const;

describe('the outcome of a live stream', () => {
  it.each(STREAMS)('of %s is answered when CloseStream ended it', async (_name, open) => {
    const client = await open();
    client.socket.send('{"type":"CloseStream"}');
    await client.closed;
    await vi.waitFor(() => expect(only()?.outcome).toBe('answered'));
    expect(only()).toMatchObject({ status: 101, faults: [], endedAt: clock.wallMs() });
  });

  it.each(STREAMS)('of %s is answered when the emulator had to close it', async (_name, open) => {
    const client = await open();
    await clock.advance(10_000);
    expect((await client.closed).code).toBe(1011);
    await vi.waitFor(() => expect(only()?.outcome).toBe('answered'));
    expect(only()?.live?.closeCode).toBe(1011);
  });

  it.each(STREAMS)('of %s is abandoned when the client went, politely or not', async (_name, open) => {
    for (const leave of ['close', 'terminate'] as const) {
      const client = await open();
      client.socket.send(SPEECH.audio);
      client.socket[leave]();
      await client.closed;
    }
    await vi.waitFor(() => {
      expect(emulator.requests.map(({ outcome }) => outcome)).toEqual(['abandoned', 'abandoned']);
    });
  });

  it.each(STREAMS)('of %s is broken when the emulator was closed', async (_name, open) => {
    const client = await open();
    await emulator.close();
    await client.closed;
    expect(only()).toMatchObject({ outcome: 'broken', faults: [] });
  });

  it('is answered for a handshake that was refused, and abandoned for one that the client left', async () => {
    await refusedLive(emulator, '/v1/listen?endpointing=x');
    await vi.waitFor(() => expect(only()?.outcome).toBe('answered'));
    emulator.faults.live.next({ kind: 'slowOpen', ms: 1000 });
    const socket = new WebSocket(`${emulator.wsUrl}${LIVE}`, { headers: { authorization: 'Token key' } });
    socket.on('error', () => {});
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(2));
    socket.terminate();
    await vi.waitFor(() => expect(emulator.requests[1]?.outcome).toBe('abandoned'));
    expect(emulator.requests[1]).toMatchObject({ status: undefined, faults: ['slowOpen'] });
    expect([clock.pendingTimers, emulator.journal.live]).toEqual([0, 0]);
  });
});

describe('the faults of a live stream in the journal', () => {
  it.each<[LiveFaultInput, string]>([
    ['drop', 'broken'],
    [{ kind: 'close', code: 1011 }, 'broken'],
    [{ kind: 'close', code: 1000, at: { audioBytes: 3200 } }, 'broken'],
    [{ kind: 'drop', at: 'midWord' }, 'broken'],
    // JSON, so that the client here can read it.
    [{ kind: 'invalidJson', text: '{"type":"None"}' }, 'answered'],
    ['unknownMessage', 'answered'],
  ])('%o is there, and its outcome is %s', async (fault, outcome) => {
    emulator.faults.live.next(fault, 2);
    const client = await openLive(emulator);
    const flux = await openFlux(emulator);
    for (const { socket } of [client, flux]) {
      for (const frame of framesOf(SPEECH.audio)) socket.send(frame);
      socket.send('{"type":"CloseStream"}');
    }
    await Promise.all([client.closed, flux.closed]);
    const kind = typeof fault === 'object' ? fault.kind : fault;
    await vi.waitFor(() => {
      expect(emulator.requests).toMatchObject(Array(2).fill({ faults: [kind], outcome }));
    });
  });

  it('handshakes that were made to fail are answered', async () => {
    emulator.faults.live.next(503, 2);
    await refusedLive(emulator, LIVE);
    await refusedLive(emulator, FLUX);
    await vi.waitFor(() => {
      expect(emulator.requests).toMatchObject(
        Array(2).fill({ faults: ['handshake'], outcome: 'answered', status: 503 }),
      );
    });
  });

  it('a fault whose time never came is not there', async () => {
    emulator.faults.live.next([
      { kind: 'drop', at: { audioBytes: 1_000_000_000 } },
      'plainFinalize',
      'lateFinals',
      'unknownMessage',
    ]);
    const client = await openLive(emulator);
    client.socket.send('{"type":"CloseStream"}');
    await client.closed;
    await vi.waitFor(() => expect(only()?.faults).toEqual(['unknownMessage']));
  });

  it('several are there in the order in which they struck', async () => {
    emulator.faults.live.next(['plainFinalize', { kind: 'lateFinals', ms: 10 }, 'unknownMessage']);
    const client = await openLive(emulator);
    client.socket.send(SPEECH.audio.subarray(0, 40_000));
    client.socket.send('{"type":"Finalize"}');
    await vi.waitFor(() => expect(only()?.faults).toEqual(['unknownMessage', 'plainFinalize', 'lateFinals']));
    client.socket.terminate();
  });

  it('half-open and unread streams are open until the client or the emulator ends them', async () => {
    emulator.faults.live.next('halfOpen');
    emulator.faults.live.next('stopReading');
    await openLive(emulator);
    await openFlux(emulator);
    await vi.waitFor(() => expect(emulator.journal.live).toBe(2));
    expect(emulator.requests.map(({ faults, outcome }) => [...faults, outcome])).toEqual([
      ['halfOpen', undefined],
      ['stopReading', undefined],
    ]);
    await emulator.close();
    expect(emulator.requests.map(({ outcome }) => outcome)).toEqual(['broken', 'broken']);
  });
});

describe('the words of a live stream in the journal', () => {
  it('are those of its finals, over all channels', async () => {
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, SPEECH.audio);
    await vi.waitFor(() => expect(only()?.words).toBe(3));
    await closeStream(client);
    expect(only()?.words).toBe(6);
    const call = synthesizeConversation(['one two', 'three four five'], { container: 'raw' });
    const stereo = await openLive(emulator, { ...RAW, channels: '2', multichannel: 'true' });
    sendFrames(stereo, call.audio);
    await closeStream(stereo);
    expect(emulator.requests[1]?.words).toBe(5);
    expect(emulator.journal.words).toBe(11);
  });

  it('are those of the turns in Flux, ended or not', async () => {
    await stream(await openFlux(emulator), SPEECH.audio);
    expect(only()?.words).toBe(6);
  });

  it('are counted though a fault keeps them from the client', async () => {
    emulator.faults.live.next({ kind: 'lateFinals', ms: 1_000_000 });
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio);
    await vi.waitFor(() => expect(only()?.words).toBe(3));
    expect(client.messages).toEqual([]);
    client.socket.terminate();
  });
});

describe('live.maxConcurrent', () => {
  it('refuses more streams with 429, v1 and Flux together, until one has ended', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ clock, live: { maxConcurrent: 2 } });
    const first = await openLive(emulator);
    const second = await openFlux(emulator);
    for (const path of [LIVE, FLUX]) {
      const refused = await refusedLive(emulator, path);
      expect([refused.status, refused.headers['dg-error']]).toEqual([
        429,
        expect.stringMatching(/Too many requests/),
      ]);
    }
    expect((await refusedLive(emulator, LIVE, {})).status).toBe(401);
    await closeStream(first);
    await vi.waitFor(() => expect(emulator.requests[0]?.endedAt).toBeDefined());
    await closeStream(await openLive(emulator));
    await stream(second, SPEECH.audio);
    await expect(startDeepgramEmulator({ live: { maxConcurrent: 0 } })).rejects.toThrow(/live.maxConcurrent/);
  });
});
