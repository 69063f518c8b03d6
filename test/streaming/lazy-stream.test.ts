import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import type { LiveState } from '../../src/contracts/index.js';
import { openLiveLazily } from '../../src/streaming/lazy-stream.js';
import type { LiveOutcome, LiveSettings, SessionFactory } from '../../src/streaming/session-types.js';
import { createSession } from '../../src/streaming/stream.js';
import { FakeTransport, metadata, results } from '../support/fake-live-transport.js';
import { collect, RAW_16K, typesOf } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

/** A session whose code is loaded when the test says so. */
function start(options: Partial<LiveSettings> = {}) {
  const transport = new FakeTransport();
  const states: LiveState[] = [];
  const ends: LiveOutcome[] = [];
  let loaded: (factory: SessionFactory) => void = () => undefined;
  let broken: (error: Error) => void = () => undefined;
  const live = openLiveLazily({
    region: transport.region,
    clock: new ManualClock(),
    options: { model: 'nova-3', ...RAW_16K, ...options },
    onState: (state) => states.push(state),
    onEnd: (outcome) => void ends.push(outcome),
    load: () =>
      new Promise((resolve, reject) => {
        loaded = resolve;
        broken = reject;
      }),
  });
  const load = async () => {
    loaded((pending) => createSession({ ...pending, transport }));
    await vi.waitFor(() => expect(states).toContain('connecting'));
    await vi.waitFor(() => expect(transport.connections).toHaveLength(1));
  };
  return { live, transport, states, ends, load, fail: (error: Error) => broken(error) };
}

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => (from + index) % 251);

test('audio that is sent while the code is loading leaves in order, and its bytes may be used again', async () => {
  const { live, transport, load } = start();
  const chunk = bytes(640);
  const sent = [live.send(chunk), live.send(Buffer.from(bytes(640, 640)))];
  chunk.fill(0);
  expect(live.stats()).toMatchObject({ state: 'connecting', bytesBuffered: 1280, bytesSent: 0 });
  await load();
  await Promise.all(sent);
  transport.connection.open();
  await live.opened;
  await live.send(bytes(640, 1280));
  expect(Buffer.from(transport.connection.audio)).toEqual(Buffer.from(bytes(1920)));
  live.abort();
});

test('calls made while the code is loading come out as if it had been there', async () => {
  const { live, transport, states, ends, load } = start();
  const events = collect(live);
  const wrong = live.send('text' as never);
  void live.send(bytes(640));
  const finished = live.finish();
  expect(live.finish()).toBe(finished);
  const late = live.send(bytes(640));
  await load();
  await expect(wrong).rejects.toMatchObject({ code: 'unsupported_source' });
  await expect(late).rejects.toMatchObject({ code: 'live_ended' });
  const { connection } = transport;
  connection.open();
  expect(connection.controls).toEqual(['CloseStream']);
  connection.message(results('one two'));
  connection.message(metadata(0.8));
  connection.drop(1000);
  expect((await finished).text).toBe('one two');
  expect(typesOf(await events)).toEqual(['open', 'final', 'end']);
  expect(states).toEqual(['connecting', 'finishing', 'ended']);
  expect(ends).toHaveLength(1);
});

test('partial() is an empty transcript that keeps its id', async () => {
  const { live, transport, load } = start({ language: 'de' });
  const before = live.partial();
  await load();
  expect(before).toMatchObject({ text: '', language: 'de', region: 'fake', channels: [{ words: [] }] });
  expect(live.partial()).toEqual(before);
  transport.connection.open();
  transport.connection.message(results('eins'));
  expect(live.partial()).toMatchObject({ id: before.id, text: 'eins' });
  live.abort();
});

test.each(['abort()', 'the signal'])(
  '%s ends the session while the code is loading, and it is never made',
  async (way) => {
    const controller = new AbortController();
    const { live, transport, states, ends, load } = start({ signal: controller.signal });
    const events = collect(live);
    const stream = new PassThrough();
    const calls = [live.opened, live.send(bytes(640)), live.pipeFrom(stream), live.finalize(), live.finish()];
    await Promise.resolve();
    if (way === 'abort()') live.abort('enough');
    else controller.abort();
    expect(live.stats()).toMatchObject({ state: 'failed', bytesBuffered: 0 });
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'aborted' });
    await expect(live.send(bytes(2))).rejects.toMatchObject({ code: 'live_ended' });
    expect(live.stats().bytesBuffered).toBe(0);
    expect(typesOf(await events)).toEqual(['error', 'end']);
    expect(stream.destroyed).toBe(true);
    await expect(load()).rejects.toThrow();
    expect(transport.connections).toEqual([]);
    expect(states).toEqual(['failed']);
    expect(ends).toHaveLength(1);
  },
);

test('code that cannot be loaded fails the session, and a stream that breaks meanwhile harms nobody', async () => {
  const { live, ends, fail } = start();
  const stream = new PassThrough();
  const piped = live.pipeFrom(stream);
  stream.destroy(new Error('unplugged'));
  await new Promise((resolve) => setImmediate(resolve));
  fail(new Error('no such module'));
  await expect(piped).rejects.toMatchObject({ name: 'TranscriptionError' });
  await expect(live.opened).rejects.toMatchObject({ cause: { message: 'no such module' } });
  await vi.waitFor(() => expect(ends).toHaveLength(1));
});

test('what a listener sends while kept calls are made leaves after them', async () => {
  const transport = new FakeTransport();
  const live = openLiveLazily({
    region: transport.region,
    clock: new ManualClock(),
    options: { model: 'nova-3', ...RAW_16K },
    onState: (state) => {
      if (state === 'connecting') void live.send(bytes(640, 640));
    },
    load: async () => (pending) => createSession({ ...pending, transport }),
  });
  void live.send(bytes(640));
  await vi.waitFor(() => expect(transport.connections).toHaveLength(1));
  transport.connection.open();
  await live.send(bytes(640, 1280));
  expect(Buffer.from(transport.connection.audio)).toEqual(Buffer.from(bytes(1920)));
  live.abort();
});
