import { expect, test, vi } from 'vitest';
import type { LiveEvent, LiveState } from '../../src/contracts/index.js';
import { AbortedError, NetworkError, RateLimitError } from '../../src/errors/index.js';
import type { LiveOutcome, LiveSettings } from '../../src/streaming/session-types.js';
import { type OpenLiveRequest, openLive } from '../../src/streaming/stream.js';
import { type FakeConnection, FakeTransport, metadata, results } from '../support/fake-live-transport.js';
import { collect, RAW_16K, typesOf } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

function start(options: Partial<LiveSettings> = {}, request: Partial<OpenLiveRequest> = {}) {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const states: LiveState[] = [];
  const ends: LiveOutcome[] = [];
  const live = openLive({
    transport,
    clock,
    options: { model: 'nova-3', ...RAW_16K, ...options },
    onState: (state) => states.push(state),
    onEnd: (outcome) => void ends.push(outcome),
    ...request,
  });
  return { clock, transport, live, states, ends };
}

/** A session whose connection is open. */
async function open(options: Partial<LiveSettings> = {}, request: Partial<OpenLiveRequest> = {}) {
  const started = start(options, request);
  await started.clock.advance(0);
  started.transport.connection.open();
  await started.live.opened;
  return { ...started, connection: started.transport.connection };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const mark = () => {
    done = true;
  };
  promise.then(mark, mark);
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => (from + index) % 251);

test('nothing happens before the caller can listen', async () => {
  const { live, states } = start({ signal: AbortSignal.abort() });
  const seen: string[] = [];
  live.on('error', ({ error }) => seen.push(error.name));
  live.on('end', () => seen.push('end'));
  expect(states).toEqual([]);
  await expect(live.opened).rejects.toMatchObject({ name: 'AbortedError' });
  expect(seen).toEqual(['AbortedError', 'end']);
});

test('audio that is sent before the connection is open leaves first, in order', async () => {
  const { live, transport, clock } = start();
  const first = bytes(640);
  await live.send(first);
  first.fill(0);
  await live.send(bytes(640, 640));
  await clock.advance(0);
  expect(transport.connection.sent).toEqual([]);
  transport.connection.open();
  await live.send(bytes(640, 1280));
  expect(Buffer.from(transport.connection.audio)).toEqual(Buffer.from(bytes(1920)));
});

test('before the connection is open 30 s of raw audio are kept, then send() waits; nothing is lost', async () => {
  const { live, transport, clock } = start();
  const second = bytes(32_000);
  for (let index = 0; index < 30; index += 1) await live.send(second);
  const waiting = live.send(second);
  await clock.advance(0);
  expect(await settled(waiting)).toBe(false);
  expect(live.stats()).toMatchObject({ state: 'connecting', bytesBuffered: 31 * 32_000, bytesSent: 0 });
  transport.connection.open();
  await waiting;
  expect(transport.connection.audio.length).toBe(31 * 32_000);
});

test('send() waits while the connection holds 256 KiB, and goes on when it drains', async () => {
  const { live, connection } = await open();
  connection.stalled = true;
  const sends = Array.from({ length: 20 }, () => live.send(bytes(32_000)));
  const [first] = sends;
  await first;
  expect(await settled(Promise.all(sends))).toBe(false);
  expect(connection.bufferedAmount).toBeLessThan(256 * 1024 + 8000);
  expect(live.stats().bytesBuffered).toBe(640_000);
  connection.drain();
  await Promise.all(sends);
  expect(connection.audio.length).toBe(640_000);
  expect(live.stats()).toMatchObject({ bytesSent: 640_000, bytesBuffered: 0, sentSeconds: 20 });
});

test.each([
  ['raw audio: 250 ms', RAW_16K, 20_001, [8000, 8000, 4000]],
  ['unknown: 32 KiB', { encoding: 'opus', sample_rate: 48_000 }, 70_000, [32_768, 32_768, 4464]],
  ['two channels', { encoding: 'linear32', sample_rate: 8000, channels: 2 }, 20_005, [16_000, 4000]],
])('large chunks are split, %s', async (_name, format, length, frames) => {
  const { live, connection } = await open(format);
  await live.send(bytes(length));
  expect(connection.sent.map((item) => item.length)).toEqual(frames);
});

test('odd bytes wait for the rest of their sample; empty chunks are never sent', async () => {
  const { live, connection } = await open();
  await live.send(new Uint8Array(0));
  await live.send(bytes(1));
  expect(connection.sent).toEqual([]);
  for (let at = 1; at < 100; at += 3) await live.send(bytes(3, at));
  expect(connection.sent.every((item) => item.length > 0 && item.length % 2 === 0)).toBe(true);
  expect(Buffer.from(connection.audio)).toEqual(Buffer.from(bytes(100)));
});

test('a sample that never becomes complete is told of', async () => {
  const { live, connection } = await open();
  await live.send(bytes(5));
  const finished = live.finish();
  connection.end();
  await finished;
  expect(connection.audio.length).toBe(4);
  const warnings = (await collect(live)).filter(({ type }) => type === 'warning');
  expect(warnings).toMatchObject([{ code: 'incomplete_sample' }]);
});

test('every container of bytes is taken, everything else is refused in words', async () => {
  const { live, connection } = await open();
  await live.send(Buffer.from([1, 2]));
  await live.send(new Uint8Array([3, 4]).buffer);
  await live.send(new Int16Array([0x0605]));
  await live.send(new DataView(new Uint8Array([0, 7, 8, 0]).buffer, 1, 2));
  expect([...connection.audio]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const wrong of ['text', 7, null, undefined, {}, [1, 2]]) {
    await expect(live.send(wrong as never)).rejects.toMatchObject({
      name: 'UnsupportedSourceError',
      message: expect.stringContaining('Uint8Array'),
    });
  }
  expect(live.stats().state).toBe('open');
});

test('KeepAlive goes out every 4 s of silence, and not while audio flows', async () => {
  const { live, connection, clock } = await open();
  await clock.advance(3999);
  expect(connection.controls).toEqual([]);
  await clock.advance(1);
  expect(connection.controls).toEqual(['KeepAlive']);
  await clock.advance(8000);
  expect(connection.controls).toHaveLength(3);
  for (let index = 0; index < 10; index += 1) {
    await live.send(bytes(640));
    await clock.advance(1000);
  }
  expect(connection.controls).toHaveLength(3);
  await clock.advance(3000);
  expect(connection.controls).toHaveLength(4);
  live.abort();
  await clock.advance(60_000);
  expect(connection.controls).toHaveLength(4);
  expect(clock.pendingTimers).toBe(0);
});

test('finish() drains late results, and every call returns the same promise', async () => {
  const { live, connection, clock, states, ends } = await open();
  await live.send(bytes(640));
  const finished = live.finish();
  expect(live.finish()).toBe(finished);
  expect(connection.controls).toEqual(['CloseStream']);
  connection.message(results('late but', { start: 1 }));
  connection.message(results('not lost', { start: 2, speech_final: true }));
  connection.message(metadata(3.5));
  expect(await settled(finished)).toBe(false);
  connection.drop(1000);
  const transcript = await finished;
  expect(transcript).toMatchObject({
    text: 'late but not lost',
    durationSeconds: 3.5,
    requestId: 'request-1',
  });
  expect(transcript.utterances).toHaveLength(1);
  expect(transcript.response).toMatchObject({
    results: [{ start: 1 }, { start: 2 }],
    metadata: [metadata(3.5)],
  });
  expect(live.finish()).toBe(finished);
  expect(states).toEqual(['connecting', 'open', 'finishing', 'ended']);
  expect(ends).toEqual([{ transcript }]);
  expect(clock.pendingTimers).toBe(0);
  await expect(live.send(bytes(2))).rejects.toMatchObject({ code: 'live_ended' });
  await expect(live.finalize()).rejects.toMatchObject({ code: 'live_ended' });
});

test('finish() while the connection is being opened sends everything first', async () => {
  const { live, transport, clock } = start();
  await live.send(bytes(640));
  const finished = live.finish();
  await clock.advance(0);
  const { connection } = transport;
  connection.open();
  await live.opened;
  expect(connection.audio.length).toBe(640);
  expect(connection.controls).toEqual(['CloseStream']);
  connection.message(metadata(0.02));
  connection.drop(1005);
  await expect(finished).resolves.toMatchObject({ text: '', durationSeconds: 0.02 });
});

test('finish() without audio gives an empty transcript at once', async () => {
  const connected = await open();
  await expect(connected.live.finish()).resolves.toMatchObject({
    text: '',
    durationSeconds: 0,
    requestId: 'request-1',
  });
  expect(connected.connection.closedWith).toEqual({ code: 1000, reason: '' });
  expect(connected.clock.pendingTimers).toBe(0);

  const connecting = start();
  const finished = connecting.live.finish();
  await connecting.clock.advance(0);
  expect(await settled(finished)).toBe(false);
  connecting.transport.connection.open();
  await expect(finished).resolves.toMatchObject({ text: '', channels: [{ text: '', words: [] }] });
  expect(connecting.transport.connection.closedWith).toEqual({ code: 1000, reason: '' });
  expect(connecting.clock.pendingTimers).toBe(0);
});

test('finish() without audio still tells that the connection cannot be opened', async () => {
  const { live, transport, clock } = start();
  const finished = live.finish();
  await clock.advance(0);
  transport.connection.drop(1006);
  await expect(finished).rejects.toMatchObject({ code: 'connection_closed' });
});

test('finish() without audio does not wait for ever for the connection', async () => {
  const { live, clock } = start({ finishTimeoutMs: 2000 });
  const finished = live.finish();
  await clock.advance(2000);
  await expect(finished).resolves.toMatchObject({ text: '' });
  expect(clock.pendingTimers).toBe(0);
});

test('finish() gives up waiting for the close after its time, with what came', async () => {
  const { live, connection, clock } = await open({ finishTimeoutMs: 2000 });
  await live.send(bytes(640));
  const finished = live.finish();
  connection.message(results('all that came'));
  await clock.advance(1999);
  expect(await settled(finished)).toBe(false);
  await clock.advance(1);
  expect((await finished).text).toBe('all that came');
  expect(typesOf(await collect(live))).toEqual(['open', 'final', 'warning', 'end']);
  expect(connection.closedWith).toBeDefined();
});

test('finish() waits for as long as audio leaves', async () => {
  const { live, connection, clock } = await open({ finishTimeoutMs: 2000 });
  connection.stalled = true;
  void live.send(bytes(600_000));
  const finished = live.finish();
  for (let index = 0; index < 6; index += 1) {
    await clock.advance(1500);
    connection.drain(100_000);
  }
  expect(connection.controls).toEqual(['CloseStream']);
  await clock.advance(1999);
  expect(await settled(finished)).toBe(false);
  expect(connection.bufferedAmount).toBe(0);
  connection.end();
  await finished;
});

test('finish() fails where the audio cannot leave', async () => {
  const { live, connection, clock } = await open({ finishTimeoutMs: 2000 });
  connection.stalled = true;
  void live.send(bytes(200_000));
  const finished = live.finish();
  expect(connection.controls).toEqual(['CloseStream']);
  await clock.advance(2000);
  await expect(finished).rejects.toMatchObject({ name: 'TimeoutError', code: 'timeout', retryable: true });
});

test('finalize() settles with the marked results of every channel, after 5 s at the latest', async () => {
  const { live, connection, clock } = await open();
  await expect(live.finalize()).resolves.toBeUndefined();
  expect(connection.controls).toEqual([]);
  await live.send(bytes(640));
  const answered = live.finalize();
  connection.message(results('left', { channel: 0, channels: 2, from_finalize: true }));
  expect(await settled(answered)).toBe(false);
  connection.message(results('right', { channel: 1, channels: 2, from_finalize: true }));
  await answered;
  const unanswered = live.finalize();
  await clock.advance(4999 - 4000);
  expect(await settled(unanswered)).toBe(false);
  await clock.advance(4001);
  await unanswered;
  expect(connection.controls.filter((control) => control === 'Finalize')).toHaveLength(2);
  live.abort();
});

test('abort ends at once with its reason as the cause', async () => {
  const { live, connection, clock, ends, states } = await open();
  connection.stalled = true;
  const pending = live.send(bytes(600_000));
  const reason = new Error('changed my mind');
  live.abort(reason);
  live.abort(new Error('again'));
  await expect(pending).rejects.toMatchObject({ code: 'aborted' });
  await expect(live.finish()).rejects.toMatchObject({ name: 'AbortedError', cause: reason });
  expect(connection.closedWith).toBeDefined();
  expect(states.at(-1)).toBe('failed');
  expect(ends).toHaveLength(1);
  expect(clock.pendingTimers).toBe(0);
  expect(typesOf(await collect(live))).toEqual(['open', 'error', 'end']);
});

test('the signal aborts, and is let go of at the end', async () => {
  const controller = new AbortController();
  const { live } = await open({ signal: controller.signal });
  controller.abort(new Error('request cancelled'));
  await expect(live.finish()).rejects.toBeInstanceOf(AbortedError);

  const other = new AbortController();
  const removed = vi.spyOn(other.signal, 'removeEventListener');
  const second = await open({ signal: other.signal });
  await second.live.finish();
  expect(removed).toHaveBeenCalled();
});

test('disposing of a session aborts it', async () => {
  const { live, connection } = await open();
  await live[Symbol.asyncDispose]();
  await expect(live.finish()).rejects.toBeInstanceOf(AbortedError);
  expect(connection.closedWith).toBeDefined();
});

test('without reconnects a drop ends the session with its error and keeps what was understood', async () => {
  const { live, connection, ends } = await open({ reconnect: false });
  await live.send(bytes(640));
  connection.message(results('before the drop'));
  const error = new NetworkError('gone', { code: 'connection_closed', retryable: true });
  connection.drop(1006, error);
  await expect(live.finish()).rejects.toBe(error);
  await expect(live.send(bytes(2))).rejects.toMatchObject({ code: 'live_ended', cause: error });
  expect(live.partial().text).toBe('before the drop');
  expect(ends).toEqual([{ error }]);
  const events = await collect(live);
  expect(typesOf(events)).toEqual(['open', 'final', 'error', 'end']);
  expect(events.at(-1)).toEqual({ type: 'end' });
});

test('a normal close that nobody asked for is an error too', async () => {
  const { live, connection } = await open({ reconnect: false });
  await live.send(bytes(640));
  connection.drop(1000);
  await expect(live.finish()).rejects.toMatchObject({ code: 'connection_closed', retryable: true });
});

test('a drop after CloseStream is an error before the Metadata and none after it', async () => {
  const cut = await open({ reconnect: false });
  await cut.live.send(bytes(640));
  const failing = cut.live.finish();
  cut.connection.drop(1006, new NetworkError('gone', { code: 'connection_closed' }));
  await expect(failing).rejects.toMatchObject({ code: 'connection_closed' });

  const whole = await open();
  await whole.live.send(bytes(640));
  const finished = whole.live.finish();
  whole.connection.message(metadata(1));
  whole.connection.drop(1006, new NetworkError('gone', { code: 'connection_closed' }));
  await expect(finished).resolves.toMatchObject({ durationSeconds: 1 });
});

test('a connection that breaks while it is written to ends the session', async () => {
  const { live, connection } = await open({ reconnect: false });
  connection.broken = new Error('write after end');
  await expect(live.send(bytes(640))).rejects.toMatchObject({
    code: 'connection_closed',
    cause: connection.broken,
  });
  await expect(live.finish()).rejects.toMatchObject({ code: 'connection_closed' });
});

test('the place is waited for before connecting, and given back once', async () => {
  const release = vi.fn();
  let give: (place: { release(): void }) => void = () => undefined;
  const place = new Promise<{ release(): void }>((resolve) => {
    give = resolve;
  });
  const { live, transport, clock } = start({}, { acquire: () => place });
  await live.send(bytes(640));
  await clock.advance(60_000);
  expect(transport.connections).toEqual([]);
  give({ release });
  await clock.advance(0);
  transport.connection.open();
  expect(transport.connection.audio.length).toBe(640);
  live.abort();
  expect(release).toHaveBeenCalledTimes(1);
});

test('a place that is refused, or comes too late, is no leak', async () => {
  const full = new RateLimitError('full', { code: 'too_many_waiting' });
  const refused = start({}, { acquire: () => Promise.reject(full) });
  await expect(refused.live.opened).rejects.toBe(full);
  await expect(refused.live.finish()).rejects.toBe(full);

  const release = vi.fn();
  let seen: AbortSignal | undefined;
  let give: (place: { release(): void }) => void = () => undefined;
  const late = start(
    {},
    {
      acquire: (signal) => {
        seen = signal;
        return new Promise((resolve) => {
          give = resolve;
        });
      },
    },
  );
  await late.clock.advance(0);
  late.live.abort();
  expect(seen?.aborted).toBe(true);
  give({ release });
  await late.clock.advance(0);
  expect(release).toHaveBeenCalledTimes(1);
  expect(late.transport.connections).toEqual([]);
});

test('promises that nobody looks at end no process', async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listener);
  const { live, connection } = await open();
  connection.stalled = true;
  void live.send(bytes(600_000));
  void live.finalize();
  void live.pipeFrom(
    (async function* () {
      yield bytes(10);
      throw new Error('microphone unplugged');
    })(),
  );
  void live.finish();
  connection.drop(1006);
  void live.send(bytes(2));
  void live.pipeFrom(null as never);
  await live.finish().catch(() => undefined);
  // Node tells of unhandled rejections once the microtasks of a turn are done.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
});

test('events reach a consumer that comes late; a second one is refused', async () => {
  const { live, connection } = await open();
  connection.message(results('one'));
  connection.message(results('two', { start: 1 }));
  const seen: LiveEvent[] = [];
  for await (const event of live) {
    seen.push(event);
    if (seen.length === 3) break;
  }
  expect(typesOf(seen)).toEqual(['open', 'final', 'final']);
  expect(() => live[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'live_consumed' }));
  expect(() => live.readable).toThrow(expect.objectContaining({ code: 'live_consumed' }));
  connection.message(results('three', { start: 2 }));
  expect(live.stats()).toMatchObject({ state: 'open', finals: 3 });
  expect(live.partial().text).toBe('one two three');
  live.abort();
});

test('a consumer that never comes costs interims only', async () => {
  const { live, connection } = await open();
  for (let index = 0; index < 3000; index += 1) {
    connection.message(results(`guess ${index}`, { isFinal: false, channel: index % 2, channels: 2 }));
    if (index % 3 === 0) connection.message(results(`fact ${index}`, { start: index }));
  }
  live.abort();
  const events = await collect(live);
  expect(events.filter(({ type }) => type === 'final')).toHaveLength(1000);
  const interims = events.filter((event) => event.type === 'interim');
  expect(interims.length).toBeLessThan(1000);
  expect(interims.at(-1)?.text).toBe('guess 2999');
});

test('a listener that fails harms neither the session nor the others', async () => {
  const warnings: unknown[] = [];
  const { live, connection } = await open(
    {},
    { onWarning: ({ code, cause }) => warnings.push([code, cause]) },
  );
  const seen: string[] = [];
  const bad = new Error('listener');
  live.on('final', () => {
    throw bad;
  });
  live.on('final', async () => {
    throw bad;
  });
  live.on('final', ({ text }) => seen.push(text));
  live.once('final', ({ text }) => seen.push(`once ${text}`));
  const removed = () => seen.push('removed');
  live.on('final', removed).off('final', removed);
  connection.message(results('one'));
  connection.message(results('two', { start: 1 }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(['one', 'once one', 'two']);
  expect(warnings).toEqual(Array.from({ length: 4 }, () => ['listener_failed', bad]));
  expect(live.stats().state).toBe('open');
  live.abort();
});

test('a listener that ends the session does not upset the order of events', async () => {
  const { live, connection } = await open();
  const seen: string[] = [];
  live.on('final', () => live.abort());
  live.on('final', () => seen.push('final'));
  live.on('end', () => seen.push('end'));
  connection.message(results('stop'));
  expect(seen).toEqual(['final', 'end']);
});

test.each(['on', 'once', 'off'] as const)('%s() refuses a listener that is no function', async (method) => {
  const { live } = await open();
  for (const wrong of [undefined, null, 5, {}]) {
    expect(() => live[method]('final', wrong as never)).toThrow(
      expect.objectContaining({
        name: 'BadRequestError',
        code: 'invalid_option',
        message: 'The listener of final must be a function.',
      }),
    );
  }
  live.abort();
});

test('its own warnings also go to whoever opened it, before its listeners', async () => {
  const told: [string, string][] = [];
  const { live, connection, clock } = await open(
    { finishTimeoutMs: 1000 },
    { onWarning: ({ code }) => void told.push(['opener', code]) },
  );
  live.on('warning', ({ code }) => void told.push(['listener', code]));
  connection.message({ type: 'Novelty' });
  await live.send(bytes(641));
  const finished = live.finish();
  await clock.advance(1000);
  await finished;
  const codes = ['unknown_message', 'incomplete_sample', 'finish_timeout'];
  expect(told).toEqual(
    codes.flatMap((code) => [
      ['opener', code],
      ['listener', code],
    ]),
  );
});

test('send() of a path or a source says what to do with it', async () => {
  const { live } = await open();
  await expect(live.send('a.wav' as never)).rejects.toThrow(/must be bytes.*pipeFrom\(fromFile\(path\)\)/);
  await expect(live.send(new Blob(['ab']) as never)).rejects.toThrow(/Blob.*pipeFrom\(\)/);
  live.abort();
});

test.each([
  ['no Metadata at all', () => undefined],
  ['no Metadata since CloseStream', (connection: FakeConnection) => connection.message(metadata(1))],
])('a normal close with %s ends the session with a warning', async (_what, before) => {
  const { live, connection, states } = await open();
  await live.send(bytes(640));
  before(connection);
  const finished = live.finish();
  connection.message(results('all that came'));
  connection.drop(1000);
  expect((await finished).text).toBe('all that came');
  const events = await collect(live);
  expect(typesOf(events)).toEqual(['open', 'final', 'warning', 'end']);
  expect(events).toMatchObject([{}, {}, { code: 'unconfirmed_end' }, {}]);
  expect(states).toEqual(['connecting', 'open', 'finishing', 'ended']);
});

test('a broken close after a Metadata that CloseStream did not ask for fails the session', async () => {
  const { live, connection } = await open();
  await live.send(bytes(640));
  connection.message(metadata(1));
  const finished = live.finish();
  connection.drop(1011, new NetworkError('broken', { code: 'connection_closed' }));
  await expect(finished).rejects.toMatchObject({ code: 'connection_closed' });
});
