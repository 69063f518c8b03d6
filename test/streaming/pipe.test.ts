import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { fromFile } from '../../src/audio/sources.js';
import {
  type LiveSource,
  type OpenLiveRequest,
  openLive,
  type PipeOptions,
} from '../../src/streaming/stream.js';
import { encodeWav } from '../../src/testing/index.js';
import { type FakeConnection, FakeTransport, results } from '../support/fake-live-transport.js';
import { collect, RAW_16K } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

const SECOND = 32_000;

async function open(options: object = RAW_16K, request: Partial<OpenLiveRequest> = {}) {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const live = openLive({ transport, clock, options: { model: 'nova-3', ...options }, ...request });
  await clock.advance(0);
  const { connection } = transport;
  connection.open();
  await live.opened;
  return { clock, live, connection };
}

/** A source is opened in real time; from its first byte on only the clock moves it. */
async function begun(connection: FakeConnection): Promise<void> {
  await vi.waitFor(() => expect(connection.audio.length).toBeGreaterThan(0));
}

async function* source(...chunks: Uint8Array[]) {
  yield* chunks;
}

test('raw audio is sent at 1.25 times real time, however it is cut', async () => {
  for (const chunkBytes of [640, 50_000, 20 * SECOND]) {
    const { live, connection, clock } = await open();
    const audio = new Uint8Array(20 * SECOND);
    const chunks = Array.from({ length: Math.ceil(audio.length / chunkBytes) }, (_, index) =>
      audio.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    );
    const piped = live.pipeFrom(source(...chunks), { preventFinish: true });
    await begun(connection);
    for (let second = 1; second < 16; second += 1) {
      await clock.advance(1000);
      const sent = connection.audio.length / SECOND;
      expect(sent).toBeGreaterThan(1.25 * second - 0.2);
      expect(sent).toBeLessThan(1.25 * second + 0.3);
    }
    await clock.advance(1000);
    await piped;
    expect(connection.audio.length).toBe(audio.length);
    live.abort();
  }
});

test('realtime sends at the speed of speech', async () => {
  const { live, connection, clock } = await open();
  const piped = live.pipeFrom(source(new Uint8Array(4 * SECOND)), { realtime: true, preventFinish: true });
  await begun(connection);
  await clock.advance(2000);
  expect(connection.audio.length / SECOND).toBeCloseTo(2.1, 2);
  await clock.advance(2000);
  await piped;
  live.abort();
});

test('a source that paused does not catch up faster', async () => {
  const { live, connection, clock } = await open();
  const through = new PassThrough({ highWaterMark: 10 * SECOND });
  const piped = live.pipeFrom(through, { preventFinish: true });
  through.write(new Uint8Array(SECOND));
  await clock.advance(10_000);
  through.end(new Uint8Array(5 * SECOND));
  await clock.advance(1000);
  expect(connection.audio.length / SECOND).toBeLessThan(1 + 1.25 + 0.45);
  await clock.advance(4000);
  await piped;
  live.abort();
});

test('a WAV header tells the rate, also where it comes in pieces', async () => {
  const { live, connection, clock } = await open({});
  const file = encodeWav(new Int16Array(8000 * 2 * 10), { sampleRate: 8000, channels: 2 });
  const piped = live.pipeFrom(source(file.subarray(0, 7), file.subarray(7, 30), file.subarray(30)), {
    preventFinish: true,
  });
  await clock.advance(4000);
  expect(connection.audio.length / SECOND).toBeGreaterThan(4.8);
  expect(connection.audio.length / SECOND).toBeLessThan(5.3);
  await clock.advance(4000);
  await piped;
  expect(connection.audio.length).toBe(file.length);
  live.abort();
});

test('where the rate is unknown only backpressure holds the source', async () => {
  const { live, connection } = await open({});
  connection.stalled = true;
  const audio = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
  const piped = live.pipeFrom(source(audio), { preventFinish: true });
  await expect.poll(() => connection.bufferedAmount).toBeGreaterThan(256 * 1024 - 1);
  expect(connection.audio.length).toBeLessThan(300 * 1024);
  connection.drain();
  await piped;
  expect(Buffer.from(connection.audio).equals(Buffer.from(audio))).toBe(true);
  live.abort();
});

test('the end of the source finishes the session', async () => {
  const { live, connection, clock } = await open();
  const piped = live.pipeFrom(source(new Uint8Array(640)));
  await clock.advance(0);
  expect(connection.controls).toEqual(['CloseStream']);
  connection.end(0.02);
  await piped;
  await expect(live.finish()).resolves.toMatchObject({ durationSeconds: 0.02 });
});

test('a source that fails ends the session with its error as the cause', async () => {
  const { live } = await open();
  const cause = new Error('microphone unplugged');
  const piped = live.pipeFrom(
    (async function* () {
      yield new Uint8Array(640);
      throw cause;
    })(),
  );
  await expect(piped).rejects.toMatchObject({ code: 'stream_failed', cause });
  await expect(live.finish()).rejects.toMatchObject({ code: 'stream_failed', cause });
});

test('a source of text, and what is no source, is refused in words', async () => {
  const first = await open();
  await expect(first.live.pipeFrom(source('text' as never))).rejects.toMatchObject({
    name: 'UnsupportedSourceError',
    message: expect.stringContaining('Open it without an encoding'),
  });
  await expect(first.live.finish()).rejects.toMatchObject({ code: 'unsupported_source' });
  const second = await open();
  await expect(second.live.pipeFrom(7 as never)).rejects.toMatchObject({ code: 'unsupported_source' });
});

test('the end of the session cancels sources of every kind, also waiting ones', async () => {
  const reason = new Error('enough');

  const nodeStream = new PassThrough();
  const first = await open();
  const firstPipe = first.live.pipeFrom(nodeStream);
  first.live.abort(reason);
  await expect(firstPipe).rejects.toMatchObject({ code: 'aborted', cause: reason });
  await expect.poll(() => nodeStream.destroyed).toBe(true);

  let cancelled: unknown;
  const webStream = new ReadableStream<Uint8Array>({
    cancel: (why) => {
      cancelled = why;
    },
  });
  const second = await open();
  const secondPipe = second.live.pipeFrom(webStream);
  second.live.abort(reason);
  await expect(secondPipe).rejects.toMatchObject({ code: 'aborted' });
  await expect.poll(() => cancelled).toMatchObject({ code: 'aborted' });

  let returned = false;
  const third = await open();
  const thirdPipe = third.live.pipeFrom(
    (async function* () {
      try {
        for (;;) yield new Uint8Array(SECOND);
      } finally {
        returned = true;
      }
    })(),
  );
  await third.clock.advance(500);
  third.live.abort(reason);
  await expect(thirdPipe).rejects.toMatchObject({ code: 'aborted' });
  await expect.poll(() => returned).toBe(true);
  expect(third.clock.pendingTimers).toBe(0);
});

test('finish() waits for the source that is being piped, says so once, and loses nothing', async () => {
  const warned: unknown[] = [];
  const { live, connection, clock } = await open(RAW_16K, {
    onWarning: (warning) => void warned.push(warning),
  });
  const through = new PassThrough();
  const piped = live.pipeFrom(through);
  const finished = live.finish();
  expect(live.finish()).toBe(finished);
  await expect(live.send(new Uint8Array(2))).rejects.toMatchObject({ code: 'live_ended' });
  await expect(live.finalize()).rejects.toMatchObject({ code: 'live_ended' });
  await clock.advance(60_000);
  expect(connection.controls).not.toContain('CloseStream');
  through.end(new Uint8Array(640));
  await clock.advance(1000);
  expect(connection.audio.length).toBe(640);
  expect(connection.controls.at(-1)).toBe('CloseStream');
  connection.message(results('all of it'));
  connection.end();
  expect((await finished).text).toBe('all of it');
  await piped;
  const warnings = (await collect(live)).filter(({ type }) => type === 'warning');
  const message = expect.stringMatching(/microphone.*call stop\(\)/);
  expect(warnings).toEqual([{ type: 'warning', code: 'finish_waits', message }]);
  expect(warned).toEqual([{ code: 'finish_waits', message }]);
});

test('stop() ends the reading of a microphone, and keeps what was read', async () => {
  const { live, connection, clock } = await open(RAW_16K);
  const microphone = new PassThrough();
  const piped = live.pipeFrom(microphone);
  microphone.write(new Uint8Array(640));
  await clock.advance(100);
  const stopped = live.stop();
  expect(live.stop()).toBe(stopped);
  await clock.advance(0);
  expect(microphone.destroyed).toBe(true);
  expect(connection.audio.length).toBe(640);
  expect(connection.controls.at(-1)).toBe('CloseStream');
  connection.message(results('what was read'));
  connection.end();
  expect((await stopped).text).toBe('what was read');
  await piped;
  expect((await collect(live)).map(({ type }) => type)).not.toContain('warning');
});

test('finish() warns of nothing where the source is known to end', async () => {
  const { live, connection, clock } = await open(RAW_16K);
  const piped = live.pipeFrom(new Blob([new Uint8Array(640)]));
  const finished = live.finish();
  await vi.waitFor(async () => {
    await clock.advance(100);
    expect(connection.controls.at(-1)).toBe('CloseStream');
  });
  connection.end();
  await finished;
  await piped;
  expect((await collect(live)).map(({ type }) => type)).not.toContain('warning');
});

test('finish() also waits where the pipe itself does not finish, and rejects where it fails', async () => {
  const first = await open();
  const through = new PassThrough();
  const piped = first.live.pipeFrom(through, { preventFinish: true });
  const finished = first.live.finish();
  through.end(new Uint8Array(640));
  await first.clock.advance(1000);
  first.connection.end();
  await Promise.all([finished, piped]);
  expect(first.connection.audio.length).toBe(640);

  const second = await open();
  const cause = new Error('unplugged');
  const failing = new PassThrough();
  const failingPipe = second.live.pipeFrom(failing);
  const failed = second.live.finish();
  failing.destroy(cause);
  await expect(failed).rejects.toMatchObject({ code: 'stream_failed', cause });
  await expect(failingPipe).rejects.toMatchObject({ code: 'stream_failed' });
});

test('closing the writable waits for a pipe too, and abort() ends everything at once', async () => {
  const { live } = await open();
  const through = new PassThrough();
  const piped = live.pipeFrom(through);
  const closed = live.writable.close();
  const finished = live.finish();
  live.abort();
  await expect(finished).rejects.toMatchObject({ code: 'aborted' });
  await expect(piped).rejects.toMatchObject({ code: 'aborted' });
  await expect(closed).rejects.toBeDefined();
  await expect.poll(() => through.destroyed).toBe(true);
});

test.each(['before', 'after'])('the signal stops the source, %s finish()', async (when) => {
  const { live, connection, clock } = await open();
  const microphone = new PassThrough();
  const stop = new AbortController();
  const piped = live.pipeFrom(microphone, { signal: stop.signal });
  microphone.write(new Uint8Array(640));
  await clock.advance(1000);
  const finished = when === 'after' ? live.finish() : undefined;
  stop.abort();
  await clock.advance(0);
  expect(microphone.destroyed).toBe(true);
  expect(connection.sent.at(-1)).toBe('CloseStream');
  expect(connection.audio.length).toBe(640);
  connection.message(results('kept'));
  connection.end();
  await piped;
  await expect(finished ?? live.finish()).resolves.toMatchObject({ text: 'kept' });
});

test('the signal stops a source in the middle of a chunk, at a whole sample, and may leave the session open', async () => {
  const { live, connection, clock } = await open({ encoding: 'linear16', sample_rate: 11_025 });
  let reason: unknown;
  const stop = new AbortController();
  const microphone = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(10 * SECOND)),
    cancel: (why) => {
      reason = why;
    },
  });
  const piped = live.pipeFrom(microphone, { signal: stop.signal, preventFinish: true });
  await expect.poll(() => connection.audio.length).toBeGreaterThan(0);
  await clock.advance(1000);
  stop.abort('enough');
  await piped;
  expect(reason).toBe('enough');
  const sent = connection.audio.length;
  expect(sent).toBeGreaterThan(SECOND / 2);
  expect(sent).toBeLessThan(2 * SECOND);
  expect(live.stats()).toMatchObject({ state: 'open', bytesBuffered: 0 });
  await live.pipeFrom(source(new Uint8Array(640)), { preventFinish: true });
  expect(connection.audio.length).toBe(sent + 640);
  live.abort();
  expect(clock.pendingTimers).toBe(0);
});

test('an aborted signal reads nothing', async () => {
  const { live } = await open();
  const through = new PassThrough();
  await live.pipeFrom(through, { signal: AbortSignal.abort() });
  expect(through.destroyed).toBe(true);
  await expect(live.finish()).resolves.toMatchObject({ text: '' });
  const late = new PassThrough();
  await expect(live.pipeFrom(late)).rejects.toMatchObject({ code: 'live_ended' });
  expect(late.destroyed).toBe(true);
});

test('a second source at the same time is refused, and the first goes on', async () => {
  const { live, connection, clock } = await open();
  const piped = live.pipeFrom(source(new Uint8Array(SECOND)), { preventFinish: true });
  const second = new PassThrough();
  await expect(live.pipeFrom(second)).rejects.toMatchObject({
    name: 'TranscriptionError',
    code: 'live_consumed',
    message: expect.stringContaining('preventFinish: true'),
  });
  expect(second.destroyed).toBe(false);
  await clock.advance(1000);
  await piped;
  const next = live.pipeFrom(second, { preventFinish: true });
  second.end(new Uint8Array(640));
  await clock.advance(1000);
  await next;
  expect(connection.audio.length).toBe(SECOND + 640);
  live.abort();
  expect(await collect(live)).toContainEqual(
    expect.objectContaining({ type: 'warning', code: 'pipe_refused' }),
  );
});

const consumedNode = async () => {
  const stream = Readable.from([Buffer.from('ab')]);
  for await (const _chunk of stream);
  return stream;
};
const consumedWeb = async () => {
  const stream = new Blob(['ab']).stream();
  for await (const _chunk of stream);
  return stream;
};
const locked = () => {
  const stream = new Blob(['ab']).stream();
  stream.getReader();
  return stream;
};

test.each<[string, () => unknown, string, RegExp]>([
  ['an empty source', () => source(), 'empty_source', /without a single byte/],
  ['empty chunks only', () => source(new Uint8Array(0)), 'empty_source', /without a single byte/],
  ['an empty Web stream', () => new Blob([]).stream(), 'empty_source', /without a single byte/],
  ['an empty Blob', () => new Blob([]), 'empty_source', /0 bytes/],
  ['a Node stream that was read', consumedNode, 'stream_consumed', /fromStream/],
  ['a destroyed Node stream', () => new PassThrough().destroy(), 'stream_consumed', /fromStream/],
  ['a Web stream that was read', consumedWeb, 'stream_consumed', /fromStream/],
  ['a locked Web stream', locked, 'stream_consumed', /fromStream/],
  ['a path', () => 'a.wav', 'unsupported_source', /createReadStream\(path\)/],
  ['a URL', () => new URL('https://example.test/a.wav'), 'unsupported_source', /fetch\(url\)/],
  ['an object', () => ({ path: 'a.wav' }), 'unsupported_source', /fromFile\(path\)/],
  ['null', () => null, 'unsupported_source', /null.*Pass fromFile/],
  ['a failed response', () => new Response('no', { status: 404 }), 'unsupported_source', /404/],
  ['a missing file', () => fromFile('/nowhere/a.wav'), 'file_not_found', /no file/],
])('%s is no success', async (_name, make, code, message) => {
  const { live } = await open();
  const error = { name: 'UnsupportedSourceError', code, message: expect.stringMatching(message) };
  await expect(live.pipeFrom((await make()) as LiveSource)).rejects.toMatchObject(error);
  await expect(live.finish()).rejects.toMatchObject(error);
});

test.each<[string, () => LiveSource]>([
  ['fromFile()', () => fromFile(fileURLToPath(import.meta.url))],
  ['a Blob', () => new Blob([readFileSync(fileURLToPath(import.meta.url))])],
  ['bytes', () => readFileSync(fileURLToPath(import.meta.url))],
  [
    'a Response',
    () =>
      new Response(readFileSync(fileURLToPath(import.meta.url)), {
        headers: { 'content-type': 'audio/wav' },
      }),
  ],
])('%s is piped as transcribe() takes it', async (_name, make) => {
  const { live, connection } = await open({});
  await live.pipeFrom(make(), { preventFinish: true });
  expect(Buffer.from(connection.audio).equals(readFileSync(fileURLToPath(import.meta.url)))).toBe(true);
  live.abort();
});

test.each<[string, unknown, string, RegExp]>([
  ['null', null, 'invalid_option', /plain object/],
  ['an array', [], 'invalid_option', /plain object/],
  ['an unknown option', { foo: 1 }, 'unknown_option', /'foo' in pipeFrom\(\)/],
  ['a misspelt option', { preventfinish: true }, 'unknown_option', /mean preventFinish/],
  ['preventFinish', { preventFinish: 'x' }, 'invalid_option', /preventFinish.*true or false/],
  ['realtime', { realtime: 5 }, 'invalid_option', /realtime.*true or false/],
  ['signal', { signal: {} }, 'invalid_option', /signal.*AbortSignal/],
])('wrong options are refused: %s', async (_name, options, code, message) => {
  const { live } = await open();
  const through = new PassThrough();
  const error = { name: 'BadRequestError', code, message: expect.stringMatching(message) };
  await expect(live.pipeFrom(through, options as PipeOptions)).rejects.toMatchObject(error);
  await expect(live.finish()).rejects.toMatchObject(error);
  expect(through.destroyed).toBe(true);
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new TypeError('no return');
    },
  ],
  ['returns no promise', () => undefined],
  ['rejects', () => Promise.reject(new TypeError('no return'))],
])('an iterator whose return() %s does not hide why the session ended', async (_name, leave) => {
  const { live, clock } = await open();
  const iterator = { next: () => new Promise<never>(() => undefined), return: leave };
  const piped = live.pipeFrom({ [Symbol.asyncIterator]: () => iterator } as unknown as LiveSource);
  await clock.advance(0);
  const reason = new Error('enough');
  live.abort(reason);
  await expect(piped).rejects.toMatchObject({ code: 'aborted', cause: reason });
});

test('an ArrayBuffer of another realm is audio', async () => {
  const { live, connection } = await open();
  const foreign = runInNewContext('new Uint8Array([1, 2, 3, 4]).buffer') as ArrayBuffer;
  await live.send(foreign);
  await live.pipeFrom(source(foreign as never), { preventFinish: true });
  expect([...connection.audio]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  live.abort();
});

test('the writable finishes on close, aborts on abort, and fails with the session', async () => {
  const closing = await open();
  const writer = closing.live.writable.getWriter();
  await writer.write(new Uint8Array(640));
  const closed = writer.close();
  await closing.clock.advance(0);
  closing.connection.end();
  await closed;
  expect(closing.connection.audio.length).toBe(640);

  const aborting = await open();
  await aborting.live.writable.abort(new Error('no more'));
  await expect(aborting.live.finish()).rejects.toMatchObject({ code: 'aborted' });

  const stalled = await open();
  stalled.connection.stalled = true;
  const stalledWriter = stalled.live.writable.getWriter();
  const written = stalledWriter.write(new Uint8Array(400_000)).catch((error: unknown) => error);
  stalledWriter.closed.catch(() => undefined);
  await stalled.clock.advance(0);
  void stalledWriter.abort(new Error('no more')).catch(() => undefined);
  await expect(stalled.live.finish()).rejects.toMatchObject({
    code: 'aborted',
    cause: { message: 'no more' },
  });
  expect(await written).toMatchObject({ code: 'aborted' });

  const failing = await open({ reconnect: false });
  const failed = failing.live.writable.getWriter();
  failing.connection.drop(1006);
  await expect(failed.closed).rejects.toMatchObject({ code: 'connection_closed' });
});
