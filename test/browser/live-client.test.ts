import { setTimeout as pause } from 'node:timers/promises';
import { TranscriptionError } from 'transcription-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLiveClient, type LiveClient, type LiveClientOptions } from '../../src/browser/index.js';
import type { BridgeEvent, LiveEvent, Transcript } from '../../src/contracts/index.js';
import { type ScriptedBridge, startScriptedBridge } from '../support/scripted-bridge.js';

const RAW = { encoding: 'linear16', sample_rate: 16_000 } as const;
const TRANSCRIPT = { id: 'tr_1', text: 'hello' } as unknown as Transcript;

const opened: { abort(): void }[] = [];
const bridges: ScriptedBridge[] = [];

afterEach(async () => {
  for (const live of opened.splice(0)) live.abort();
  await Promise.all(bridges.splice(0).map((bridge) => bridge.close()));
});

async function startBridge(): Promise<ScriptedBridge> {
  const bridge = await startScriptedBridge();
  bridges.push(bridge);
  return bridge;
}

function open(bridge: ScriptedBridge, options: Partial<LiveClientOptions> = {}): LiveClient {
  const live = createLiveClient({ url: bridge.url, options: RAW, ...options });
  opened.push(live);
  return live;
}

/** Audio whose bytes tell where they belong. */
function audio(bytes: number, from = 0): Uint8Array {
  return Uint8Array.from(
    { length: bytes },
    (_, index) => ((from + index) * 7 + ((from + index) >> 8)) & 0xff,
  );
}

function interim(text: string): BridgeEvent {
  return { type: 'interim', channel: 0, text, start: 0, end: 1, confidence: 1, words: [] };
}

function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 8000, interval: 5 });
}

async function eventsOf(live: LiveClient): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  for await (const event of live) events.push(event);
  return events;
}

describe('a live client', () => {
  it('takes audio before there is a connection, and returns the transcript', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    const states: string[] = [];
    live.on('state', ({ state }) => states.push(state));
    const events = eventsOf(live);
    const sound = audio(50_000);
    await live.send(sound.subarray(0, 20_001));
    await live.send(sound.subarray(20_001));
    const finished = live.finish();
    expect(live.finish()).toBe(finished);
    await until(() => expect(bridge.visits[0]?.requests.at(-1)).toEqual({ type: 'finish' }));
    expect(bridge.visits[0]?.requests[0]).toEqual({ type: 'start', options: RAW });
    expect(bridge.audio()).toEqual(Buffer.from(sound));
    bridge.tell(interim('hel'));
    bridge.tell({ type: 'end', transcript: TRANSCRIPT });
    expect(await finished).toEqual(TRANSCRIPT);
    expect((await events).map(({ type }) => type)).toEqual(['interim', 'end']);
    expect(states).toEqual(['open', 'closed']);
  });

  it('brings a fresh token for each connection as a subprotocol, and never in the URL', async () => {
    const bridge = await startBridge();
    let tokens = 0;
    open(bridge, { token: async () => `ey.token-${++tokens}`, protocols: ['extra'] });
    await until(() => expect(bridge.visits).toHaveLength(1));
    bridge.drop();
    await until(() => expect(bridge.visits).toHaveLength(2));
    const asked = bridge.visits.map(({ request }) => [
      request.url,
      request.headers['sec-websocket-protocol'],
    ]);
    expect(asked).toEqual([
      ['/stream', 'transcription.v1,bearer.ey.token-1,extra'],
      ['/stream', 'transcription.v1,bearer.ey.token-2,extra'],
    ]);
  });

  it('goes on where the bridge stopped hearing, and drops what it has heard twice', async () => {
    const bridge = await startBridge();
    bridge.behaviour.acknowledge = false;
    const live = open(bridge);
    const events = eventsOf(live);
    const sound = audio(200_000);
    await live.send(sound.subarray(0, 60_000));
    await until(() => expect(bridge.audio()).toHaveLength(60_000));
    bridge.tell(interim('one'));
    bridge.tell(interim('two'));
    await pause(50);
    // What is sent now is lost on the way: the bridge does not read it any more.
    bridge.visits[0]?.socket.pause();
    await live.send(sound.subarray(60_000, 100_000));
    bridge.drop();
    await live.send(sound.subarray(100_000, 150_000));
    await until(() => expect(bridge.visits[1]?.requests[0]).toBeDefined());
    expect(bridge.visits[1]?.requests[0]).toEqual({ type: 'start', session: 'session-secret', received: 2 });
    bridge.tell(interim('two'), 2);
    bridge.tell(interim('three'), 3);
    await live.send(sound.subarray(150_000));
    const finished = live.finish();
    await until(() => expect(bridge.visits[1]?.requests.at(-1)).toEqual({ type: 'finish' }));
    bridge.tell({ type: 'end', transcript: TRANSCRIPT }, 4);
    await finished;
    expect(bridge.holes).toEqual([]);
    expect(bridge.audio()).toEqual(Buffer.from(sound));
    const texts = (await events).flatMap((event) => (event.type === 'interim' ? [event.text] : []));
    expect(texts).toEqual(['one', 'two', 'three']);
  });

  it('asks again for finish and finalize where the connection broke behind them', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await live.send(audio(3200));
    live.finalize();
    await until(() => expect(bridge.visits[0]?.requests.at(-1)).toEqual({ type: 'finalize' }));
    bridge.drop();
    await until(() => expect(bridge.visits[1]?.requests.at(-1)).toEqual({ type: 'finalize' }));
    bridge.tell({
      type: 'final',
      channel: 0,
      text: 'x',
      start: 0,
      end: 0.1,
      confidence: 1,
      words: [],
      speechFinal: false,
      fromFinalize: true,
    });
    const finished = live.finish();
    await until(() => expect(bridge.visits[1]?.requests.at(-1)).toEqual({ type: 'finish' }));
    bridge.drop();
    await until(() => expect(bridge.visits[2]?.requests).toHaveLength(2));
    expect(bridge.visits[2]?.requests.map(({ type }) => type)).toEqual(['start', 'finish']);
    bridge.tell({ type: 'end', transcript: TRANSCRIPT });
    expect(await finished).toEqual(TRANSCRIPT);
  });

  it('stops sending while the bridge asks for it, and lets send() wait', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    bridge.visits[0]?.say({ type: 'pause' });
    await pause(50);
    let isSettled = false;
    const sent = live.send(audio(300_000)).then(() => {
      isSettled = true;
    });
    await pause(100);
    expect(bridge.audio()).toHaveLength(0);
    expect(isSettled).toBe(false);
    bridge.visits[0]?.say({ type: 'resume' });
    await sent;
    await until(() => expect(bridge.audio()).toHaveLength(300_000));
  });

  it('cuts out what it had no room for, at whole samples, and says so', async () => {
    const bridge = await startBridge();
    bridge.behaviour.acknowledge = false;
    const live = open(bridge, { bufferBytes: 65_536 });
    const gaps: LiveEvent[] = [];
    live.on('gap', (gap) => gaps.push(gap));
    const sound = audio(260_000);
    await live.send(sound.subarray(0, 32_000));
    await until(() => expect(bridge.audio()).toHaveLength(32_000));
    bridge.behaviour.ready = false;
    bridge.drop();
    for (let at = 32_000; at < sound.length; at += 2500) void live.send(sound.subarray(at, at + 2500));
    bridge.behaviour.ready = true;
    bridge.drop();
    await until(() => expect(bridge.visits.at(-1)?.requests[0]).toMatchObject({ session: 'session-secret' }));
    const expected = [...sound.subarray(0, 32_000), ...sound.subarray(260_000 - 65_536 + 32)];
    await until(() => expect(bridge.audio()).toHaveLength(expected.length));
    expect(bridge.holes).toEqual([]);
    expect([...bridge.audio()]).toEqual(expected);
    const lost = sound.length - expected.length;
    expect(lost % 64).toBe(0);
    expect(gaps).toEqual([{ type: 'gap', from: 1, to: 1 + lost / 32_000, reason: 'no-room' }]);
  });

  it('measures the way to the bridge and back', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    const latencies: number[] = [];
    live.on('latency', ({ milliseconds }) => latencies.push(milliseconds));
    await until(() => expect(latencies).not.toHaveLength(0));
    expect(latencies[0]).toBeGreaterThan(0);
    expect(latencies[0]).toBeLessThan(1000);
  });

  it('leaves a bridge that has fallen silent', { timeout: 30_000 }, async () => {
    const bridge = await startBridge();
    bridge.behaviour.pong = false;
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    const startedAt = performance.now();
    await vi.waitFor(() => expect(bridge.visits).toHaveLength(2), { timeout: 20_000 });
    expect(performance.now() - startedAt).toBeGreaterThan(5000);
  });

  it('keeps listeners apart: one that throws harms nobody', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    const uncaught = vi.fn();
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', uncaught);
    try {
      const heard: string[] = [];
      const never = vi.fn();
      live.on('interim', () => {
        throw new Error('a listener');
      });
      live.on('interim', ({ text }) => heard.push(text));
      live.on('interim', never).off('interim', never);
      await until(() => expect(live.state).toBe('open'));
      bridge.tell(interim('one'));
      await until(() => expect(heard).toEqual(['one']));
      await until(() => expect(uncaught).toHaveBeenCalledOnce());
      expect(never).not.toHaveBeenCalled();
    } finally {
      process.removeListener('uncaughtException', uncaught);
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });
});

describe('a live client ends with a typed error', () => {
  it.each([
    [1009, 'payload_too_large'],
    [4400, 'bad_request'],
    [4401, 'invalid_credentials'],
    [4404, 'live_ended'],
    [4408, 'timeout'],
    [4409, 'live_consumed'],
    [1000, 'connection_closed'],
  ])('after close %d: %s', async (closeCode, code) => {
    const bridge = await startBridge();
    const live = open(bridge);
    const events = eventsOf(live);
    await until(() => expect(live.state).toBe('open'));
    bridge.visits[0]?.socket.close(closeCode);
    await expect(live.finish()).rejects.toMatchObject({ code });
    expect((await events).map(({ type }) => type)).toEqual(['error', 'end']);
    await pause(500);
    expect(bridge.visits).toHaveLength(1);
    await expect(live.send(audio(10))).rejects.toMatchObject({ code: 'live_ended' });
  });

  it('names both causes where its session is not there any more', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    bridge.visits[0]?.socket.close(4404);
    await expect(live.finish()).rejects.toThrow(
      /The session is not there any more: the connection was away for too long, or the server was started anew\./,
    );
  });

  it('says why the bridge refused a message, where the bridge told', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    bridge.visits[0]?.socket.close(4400, 'The option sample_rate must be a number.');
    await expect(live.finish()).rejects.toThrow(
      'The bridge refused a message. Check the options: The option sample_rate must be a number.',
    );
  });

  it.each([1001, 1006, 1011, 1012])('but comes back after close %d', async (closeCode) => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    const states: string[] = [];
    live.on('state', ({ state }) => states.push(state));
    if (closeCode === 1006) bridge.drop();
    else bridge.visits[0]?.socket.close(closeCode);
    await until(() => expect(states).toEqual(['reconnecting', 'open']));
  });

  it('that the bridge tells, as an error of its class', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    bridge.tell({
      type: 'error',
      error: { name: 'AuthError', code: 'payment_required', message: 'Add credit.', retryable: false },
    });
    bridge.tell({ type: 'end' });
    const error = await live.finish().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TranscriptionError);
    expect(error).toMatchObject({ name: 'AuthError', code: 'payment_required', retryable: false });
  });

  it('where nobody answers for too long', async () => {
    const bridge = await startBridge();
    bridge.behaviour.refuse = 401;
    const live = open(bridge, { giveUpAfterMs: 700 });
    const error = await live.finish().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'NetworkError', code: 'network', retryable: true });
  });

  it('where a connection opens and is never ready', async () => {
    const bridge = await startBridge();
    bridge.behaviour.ready = false;
    const live = open(bridge, { connectTimeoutMs: 200, giveUpAfterMs: 700 });
    await expect(live.finish()).rejects.toMatchObject({ code: 'network' });
    expect(bridge.visits.length).toBeGreaterThan(1);
  });

  it('after abort(), at once', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await until(() => expect(live.state).toBe('open'));
    live.abort(new Error('enough'));
    expect(live.state).toBe('closed');
    await expect(live.finish()).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
    await until(() => expect(bridge.visits[0]?.socket.readyState).toBe(3));
  });

  it.each([
    ['a token that cannot travel', () => 'secret token/+=', 'invalid_credentials'],
    ['a token that is none', () => undefined as unknown as string, 'invalid_credentials'],
    [
      'a supplier that has given up',
      () => Promise.reject(Object.assign(new Error('logged out'), { retryable: false })),
      undefined,
    ],
  ])('for %s', async (_what, token, code) => {
    const bridge = await startBridge();
    const live = open(bridge, { token });
    const error = (await live.finish().catch((reason: unknown) => reason)) as Error & { code?: string };
    expect(error.code).toBe(code);
    expect(`${error.message}${error.stack}`).not.toContain('secret');
    expect(bridge.visits).toHaveLength(0);
  });

  it('for audio in a container that lost its middle', async () => {
    const bridge = await startBridge();
    const live = open(bridge, { options: {}, bufferBytes: 65_536 });
    for (let at = 0; at < 200_000; at += 5000) void live.send(audio(5000));
    await expect(live.finish()).rejects.toMatchObject({ code: 'network', message: /container/ });
  });

  it.each([
    [{ url: 'ftp://x/?token=secret' }, 'url'],
    [{ url: 'not a url' }, 'url'],
    [{ bufferBytes: 1 }, 'bufferBytes'],
    [{ token: 'secret' }, 'token'],
    [{ giveUpAfterMs: Number.NaN }, 'giveUpAfterMs'],
  ])('for %o', (options, name) => {
    const create = () => createLiveClient({ url: 'ws://127.0.0.1:9/x', ...(options as object) });
    expect(create).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(name) }),
    );
    expect(create).not.toThrow(/secret/);
  });

  it('for what is no audio, and goes on', async () => {
    const bridge = await startBridge();
    const live = open(bridge);
    await expect(live.send('path.wav' as never)).rejects.toMatchObject({ code: 'unsupported_source' });
    await live.send(new Uint8Array(0));
    await live.send(audio(64));
    await until(() => expect(bridge.audio()).toHaveLength(64));
  });
});
