import {
  type DeepgramEmulator,
  type LiveFault,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createFakeClock } from '../../src/testing/fake-clock.js';
import {
  closeStream,
  finals,
  framesOf,
  openLive,
  refusedLive,
  results,
  sendFrames,
  textOf,
  transcript,
} from './emulator-client.js';
import { changes, openFlux, stream } from './emulator-flux-client.js';
import { encodeAlaw, encodeMulaw } from './g711.js';

const RAW = { encoding: 'linear16', sample_rate: '16000' };
const PATH = `/v1/listen?${new URLSearchParams(RAW)}`;
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

describe('faults of the handshake', () => {
  it.each([
    [401, /credentials/],
    [402, /credits/],
    [403, /permissions/],
    [429, /requests/i],
    [503, /saturated/],
  ])('%i comes with dg-error and dg-request-id, on v1 and Flux', async (status, text) => {
    emulator.faults.live.next({ kind: 'handshake', status, retryAfter: 7 }, 2);
    for (const path of [PATH, '/v2/listen?model=flux-general-en']) {
      const refused = await refusedLive(emulator, path);
      expect(refused.status).toBe(status);
      expect(refused.headers['dg-error']).toMatch(text);
      expect(refused.headers['dg-request-id']).toBe(emulator.requests.at(-1)?.requestId);
      expect(refused.headers['retry-after']).toBe('7');
    }
    await closeStream(await openLive(emulator));
  });

  it('a slow one is answered when the clock says so', async () => {
    emulator.faults.live.next({ kind: 'slowOpen', ms: 5000 });
    let isOpen = false;
    const opening = openLive(emulator).then((client) => {
      isOpen = true;
      return client;
    });
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1));
    await clock.advance(4999);
    expect(emulator.requests[0]?.status).toBeUndefined();
    expect(isOpen).toBe(false);
    await clock.advance(1);
    await closeStream(await opening);
  });

  it('a slow one does not keep the emulator from closing', async () => {
    emulator.faults.live.next({ kind: 'slowOpen', ms: 5000 });
    const opening = openLive(emulator);
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1));
    await Promise.all([emulator.close(), expect(opening).rejects.toThrow()]);
  });
});

describe('faults of an open stream', () => {
  it('drop breaks it once so many bytes have come', async () => {
    emulator.faults.live.next({ kind: 'drop', at: { audioBytes: 6400 } });
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio.subarray(0, 6400 - 640));
    await vi.waitFor(() => expect(emulator.requests[0]?.bodyBytes).toBe(6400 - 640));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    client.socket.send(SPEECH.audio.subarray(6400 - 640, 6400));
    expect((await client.closed).code).toBe(1006);
    expect(client.messages).toEqual([]);
  });

  it('drop in mid-word breaks it before the word is over', async () => {
    emulator.faults.live.next({ kind: 'drop', at: 'midWord' }, 2);
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio);
    expect((await client.closed).code).toBe(1006);
    expect(finals(client.messages)).toEqual([]);
    const flux = await openFlux(emulator);
    for (const frame of framesOf(SPEECH.audio)) flux.socket.send(frame);
    expect((await flux.closed).code).toBe(1006);
  });

  it.each<[number, string | undefined, RegExp]>([
    [1008, undefined, /DATA-0000/],
    [1011, undefined, /NET-0000/],
    [1011, 'NET-0001: see https://dpgr.am/net0001', /NET-0001/],
    [1001, 'going away', /^going away$/],
    ...[1000, 1001, 1002, 1003, 1005, 1007, 1009, 1010, 1012, 1013, 1014].map(
      (code): [number, undefined, RegExp] => [code, undefined, /^$/],
    ),
    ...[3000, 3999, 4000, 4001, 4500, 4999].map((code): [number, string, RegExp] => [code, 'own', /^own$/]),
  ])('close with %i and the reason %s', async (code, reason, expected) => {
    emulator.faults.live.next({ kind: 'close', code, ...(reason !== undefined && { reason }) });
    const client = await openLive(emulator);
    const closed = await client.closed;
    expect(closed.code).toBe(code);
    expect(closed.reason).toMatch(expected);
    emulator.faults.live.next({ kind: 'close', code });
    expect((await (await openFlux(emulator)).closed).code).toBe(code);
  });

  it('1006 is what a dropped connection gives', async () => {
    emulator.faults.live.next('drop', 2);
    expect((await (await openLive(emulator)).closed).code).toBe(1006);
    expect((await (await openFlux(emulator)).closed).code).toBe(1006);
  });

  it('half-open: nothing is read, answered or closed any more', async () => {
    const at = { audioBytes: 3200 };
    emulator.faults.live.next([
      { kind: 'unknownMessage', at },
      { kind: 'halfOpen', at },
    ]);
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio);
    // The sign that the fault has struck.
    await vi.waitFor(() => expect(client.messages).toContainEqual({ type: 'Novelty' }));
    client.socket.send('{"type":"CloseStream"}');
    const seen = vi.fn();
    client.socket.on('pong', seen);
    client.socket.on('message', seen);
    client.socket.on('close', seen);
    client.socket.ping();
    // Another stream shows that the emulator had the time to answer.
    await closeStream(await openLive(emulator));
    await clock.advance(60_000);
    await closeStream(await openLive(emulator));
    expect(seen).not.toHaveBeenCalled();
    expect(emulator.requests[0]?.bodyBytes).toBeLessThan(3200);
  });

  it('stop reading: what came before is still answered, and what comes after piles up', async () => {
    const at = { audioBytes: SPEECH.audio.byteLength + 1 };
    emulator.faults.live.next([
      { kind: 'unknownMessage', at },
      { kind: 'stopReading', at },
    ]);
    const client = await openLive(emulator);
    sendFrames(client, SPEECH.audio);
    await vi.waitFor(() => expect(finals(client.messages)).not.toHaveLength(0));
    for (let index = 0; index < 40; index += 1) client.socket.send(new Uint8Array(1_000_000));
    await vi.waitFor(() => expect(client.messages).toContainEqual({ type: 'Novelty' }));
    await vi.waitFor(() => expect(client.socket.bufferedAmount).toBeGreaterThan(1_000_000));
    await clock.advance(60_000);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    expect(emulator.requests[0]?.bodyBytes).toBe(SPEECH.audio.byteLength);
    client.socket.terminate();
  });

  it('invalid JSON and unknown messages come between the others', async () => {
    emulator.faults.live.next([
      { kind: 'invalidJson' },
      { kind: 'unknownMessage', message: { type: 'New', a: 1 } },
    ]);
    const socket = new WebSocket(`${emulator.wsUrl}${PATH}`, { headers: { authorization: 'Token key' } });
    const texts: string[] = [];
    socket.on('message', (data) => texts.push(String(data)));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(SPEECH.audio);
    socket.send('{"type":"CloseStream"}');
    await closed;
    expect(() => JSON.parse(texts[0] ?? '{}') as unknown).toThrow(SyntaxError);
    expect(JSON.parse(texts[1] ?? '')).toEqual({ type: 'New', a: 1 });
    expect(texts.at(-1)).toContain('Metadata');
  });

  it('late finals come at CloseStream, before Metadata', async () => {
    emulator.faults.live.next({ kind: 'lateFinals' });
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, SPEECH.audio);
    await vi.waitFor(() => {
      expect(results(client.messages).map(transcript)).toContainEqual(expect.stringMatching(/^good/));
    });
    expect(finals(client.messages)).toEqual([]);
    const messages = await closeStream(client);
    expect(finals(messages).map(transcript)).toEqual(['hello big world', 'good bye now']);
    expect(messages.at(-1)?.type).toBe('Metadata');
  });

  it('late finals come after so many milliseconds, and Metadata and the close wait for them', async () => {
    emulator.faults.live.next({ kind: 'lateFinals', ms: 3000 });
    const client = await openLive(emulator, { ...RAW, interim_results: 'true' });
    sendFrames(client, SPEECH.audio);
    client.socket.send('{"type":"CloseStream"}');
    await vi.waitFor(() => {
      expect(results(client.messages).map(transcript)).toContainEqual(expect.stringMatching(/^good/));
    });
    await clock.advance(2999);
    await closeStream(await openLive(emulator));
    expect(finals(client.messages)).toEqual([]);
    await clock.advance(1);
    await client.closed;
    expect(textOf(finals(client.messages))).toBe('hello big world good bye now');
    expect(client.messages.at(-1)?.type).toBe('Metadata');
  });

  it('late finals of Flux are the ends of turns', async () => {
    emulator.faults.live.next({ kind: 'lateFinals' });
    const client = await openFlux(emulator);
    for (const frame of framesOf(SPEECH.audio)) client.socket.send(frame);
    // The second turn has begun, so the first one has ended, and its end is held back.
    await vi.waitFor(() => expect(changes(client.messages)).toHaveLength(2));
    expect(changes(client.messages).every((change) => change.startsWith('StartOfTurn'))).toBe(true);
    client.socket.send('{"type":"CloseStream"}');
    await client.closed;
    expect(changes(client.messages)[2]).toBe('EndOfTurn: hello big world');
  });

  it('Finalize may be answered without from_finalize', async () => {
    for (const [fault, expected] of [
      [[], true],
      [[{ kind: 'plainFinalize' }], false],
    ] as const) {
      emulator.faults.live.next([...fault]);
      const client = await openLive(emulator);
      sendFrames(client, SPEECH.audio.subarray(0, 32_000));
      client.socket.send('{"type":"Finalize"}');
      const messages = await closeStream(client);
      expect(messages.some((message) => message.from_finalize === true)).toBe(expected);
      expect(textOf(finals(messages))).toMatch(/^hello/);
    }
  });
});

describe('rules of live faults', () => {
  it('choose by the request, count their hits and can be removed', async () => {
    const rule = emulator.faults.live.rule({
      fault: { kind: 'handshake', status: 503 },
      when: ({ path, count }) => path === '/v1/listen' && count % 2 === 0,
    });
    await closeStream(await openLive(emulator));
    expect((await refusedLive(emulator, PATH)).status).toBe(503);
    await closeStream(await openLive(emulator));
    expect(rule.hits).toBe(1);
    rule.remove();
    await closeStream(await openLive(emulator));
    emulator.faults.live.next(503);
    emulator.faults.live.clear();
    await closeStream(await openLive(emulator));
    emulator.faults.live.next(503);
    emulator.faults.clear();
    await closeStream(await openLive(emulator));
  });

  it('have nothing to do with those of HTTP requests', async () => {
    emulator.faults.next(502);
    emulator.faults.live.next(429);
    expect((await refusedLive(emulator, PATH)).status).toBe(429);
    await closeStream(await openLive(emulator));
    emulator.faults.live.next(429);
    const grant = () => fetch(`${emulator.url}/v1/auth/grant`, { method: 'POST' });
    expect((await grant()).status).toBe(502);
    expect((await grant()).status).toBe(401);
    emulator.faults.live.clear();
  });

  it('may be random: the same seed gives the same faults', async () => {
    const kinds = [
      'drop',
      401,
      429,
      503,
      { kind: 'close', code: 1011 },
      [{ kind: 'close', code: 4000 }],
    ] as const;
    const run = async () => {
      const codes: number[] = [];
      for (let count = 0; count < 30; count += 1) {
        const socket = new WebSocket(`${emulator.wsUrl}${PATH}`, { headers: { authorization: 'Token key' } });
        socket.on('error', () => {});
        socket.on('open', () => socket.send('{"type":"CloseStream"}'));
        socket.on('unexpected-response', (_request, response) => {
          codes.push(response.statusCode ?? 0);
          socket.terminate();
        });
        const code = await new Promise<number>((resolve) => socket.on('close', resolve));
        if (codes.length === count) codes.push(code);
      }
      return codes;
    };
    const plan = emulator.faults.live.random({ rate: 0.6, kinds });
    console.log(`seed ${plan.seed}`);
    const first = await run();
    expect(plan.hits).toBe(first.filter((code) => code !== 1000).length);
    plan.remove();
    expect(new Set(await run())).toEqual(new Set([1000]));
    const again = emulator.faults.live.random({ seed: plan.seed, rate: 0.6, kinds });
    expect(await run()).toEqual(first);
    expect(again.hits).toBe(plan.hits);
    again.remove();
    emulator.faults.live.random({ seed: (plan.seed + 1) % 2 ** 32, rate: 0.6, kinds });
    expect(await run()).not.toEqual(first);
  });

  it.each([
    [{ kind: 'explode' }, /fault: must be a status or a fault of the kind .* got an object/],
    ['explode', /fault: .* got 'explode'/],
    [null, /fault: .* got null/],
    [200, /fault.status: must be from 400 to 599, got 200/],
    ['close', /fault.code/],
    [[{ kind: 'drop' }, 'lateFinal'], /fault\[1\]: .* got 'lateFinal'/],
    [{ kind: 'handshake', status: 200 }, /status: must be from 400 to 599/],
    [{ kind: 'close', code: 1006 }, /no close frame may carry 1006/],
    [{ kind: 'close', code: 2000 }, /no close frame may carry 2000/],
    [{ kind: 'close', code: 1011, reason: 'x'.repeat(124) }, /at most 123 bytes/],
    [{ kind: 'drop', after: 3 }, /after/],
    [{ kind: 'drop', at: { audioBytes: 0 } }, /audioBytes/],
    [{ kind: 'slowOpen', ms: -1 }, /ms/],
    [{ kind: 'lateFinals', ms: Number.NaN }, /ms/],
  ])('refuse %o', (fault, text) => {
    expect(() => emulator.faults.live.next(fault as LiveFault)).toThrow(text);
  });
});

describe('the speed of live audio', () => {
  it('is limited to maxRealtimeFactor beyond a burst of 10 seconds', async () => {
    const other = await startDeepgramEmulator({ clock, live: { maxRealtimeFactor: 1.25 } });
    const client = await openLive(other);
    const second = new Uint8Array(32_000);
    for (let index = 0; index < 10; index += 1) client.socket.send(second);
    await vi.waitFor(() => expect(other.requests[0]?.bodyBytes).toBe(320_000));
    await clock.advance(4000);
    for (let index = 0; index < 5; index += 1) client.socket.send(second);
    await vi.waitFor(() => expect(other.requests[0]?.bodyBytes).toBe(480_000));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    client.socket.send(second);
    expect(await client.closed).toMatchObject({ code: 1008, reason: expect.stringMatching(/faster/) });
    const flux = await openFlux(other);
    flux.socket.send(new Uint8Array(32_000 * 11));
    expect((await flux.closed).code).toBe(1008);
    await other.close();
  });

  it('is not limited by default, whatever the clock says', async () => {
    const client = await openLive(emulator);
    client.socket.send(new Uint8Array(32_000 * 60));
    await closeStream(client);
    expect((await client.closed).code).toBe(1000);
    await expect(startDeepgramEmulator({ live: { maxRealtimeFactor: 0.5 } })).rejects.toThrow(
      /maxRealtimeFactor/,
    );
  });
});

it.each([
  ['mulaw', encodeMulaw],
  ['alaw', encodeAlaw],
] as const)('%s is heard live, on v1 and Flux', async (encoding, encode) => {
  const { pcm } = synthesizeSpeech('hello big world', { sampleRate: 8000 });
  const audio = Uint8Array.from(pcm, encode);
  const query = { encoding, sample_rate: '8000' };
  const client = await openLive(emulator, query);
  sendFrames(client, audio, 160);
  expect(textOf(finals(await closeStream(client)))).toBe('hello big world');
  const messages = await stream(await openFlux(emulator, query), audio);
  expect(messages.at(-1)?.transcript).toBe('hello big world');
});
