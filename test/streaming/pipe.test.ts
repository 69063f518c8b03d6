import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openLive } from '../../src/streaming/stream.js';
import { encodeWav } from '../../src/testing/index.js';
import { FakeTransport, metadata } from '../support/fake-live-transport.js';
import { RAW_16K } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

const SECOND = 32_000;

async function open(options: object = RAW_16K) {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const live = openLive({ transport, clock, options: { model: 'nova-3', ...options } });
  await clock.advance(0);
  const { connection } = transport;
  connection.open();
  await live.opened;
  return { clock, live, connection };
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
  connection.message(metadata(0.02));
  connection.drop(1000);
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
    message: expect.stringContaining('Open the stream without an encoding'),
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
  expect(nodeStream.destroyed).toBe(true);

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
  expect(cancelled).toMatchObject({ code: 'aborted' });

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

test('finish() during a pipe ends the pipe and its source', async () => {
  const { live, connection, clock } = await open();
  const through = new PassThrough();
  const piped = live.pipeFrom(through);
  through.write(new Uint8Array(640));
  await clock.advance(1000);
  const finished = live.finish();
  connection.drop(1000);
  await finished;
  await expect(piped).rejects.toMatchObject({ code: 'live_ended' });
  expect(through.destroyed).toBe(true);
});

test('the writable finishes on close, aborts on abort, and fails with the session', async () => {
  const closing = await open();
  const writer = closing.live.writable.getWriter();
  await writer.write(new Uint8Array(640));
  const closed = writer.close();
  await closing.clock.advance(0);
  closing.connection.drop(1000);
  await closed;
  expect(closing.connection.audio.length).toBe(640);

  const aborting = await open();
  await aborting.live.writable.abort(new Error('no more'));
  await expect(aborting.live.finish()).rejects.toMatchObject({ code: 'aborted' });

  const failing = await open();
  const failed = failing.live.writable.getWriter();
  failing.connection.drop(1006);
  await expect(failed.closed).rejects.toMatchObject({ code: 'connection_closed' });
});
