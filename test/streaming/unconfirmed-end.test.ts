import { expect, test } from 'vitest';
import { type OpenLiveRequest, openLive } from '../../src/streaming/stream.js';
import { FakeTransport, metadata, results } from '../support/fake-live-transport.js';
import { RAW_16K } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

const SECOND_BYTES = 32_000;

async function openSession(request: Partial<OpenLiveRequest> = {}) {
  const clock = new ManualClock();
  const transport = new FakeTransport();
  const live = openLive({ transport, clock, options: { model: 'nova-3', ...RAW_16K }, ...request });
  await clock.advance(0);
  transport.connection.open();
  await live.opened;
  return { clock, transport, live };
}

test('a clean close in the middle of the audio is no end: what was not heard is sent again', async () => {
  const { clock, transport, live } = await openSession();
  void live.send(new Uint8Array(4 * SECOND_BYTES));
  const finished = live.finish();
  const first = transport.connection;
  expect(first.controls).toEqual(['CloseStream']);
  first.message(results('one two', { start: 0 }));
  first.drop(1000);
  await clock.advance(0);
  const second = transport.connection;
  expect(second).not.toBe(first);
  second.open('request-2');
  await clock.advance(5000);
  // From the end of the final on.
  expect(second.audio.length).toBe(4 * SECOND_BYTES - 0.8 * SECOND_BYTES);
  expect(second.controls).toEqual(['CloseStream']);
  second.message(results('three', { start: 1 }));
  second.message(metadata(3.2));
  second.drop(1000);
  const transcript = await finished;
  expect(transcript.text).toBe('one two three');
  expect(transcript.durationSeconds).toBeCloseTo(4);
});

test('one that comes again is the end, with a warning', async () => {
  const { clock, transport, live } = await openSession();
  const warnings: string[] = [];
  live.on('warning', ({ code }) => warnings.push(code));
  void live.send(new Uint8Array(4 * SECOND_BYTES));
  const finished = live.finish();
  for (const index of [0, 1]) {
    transport.connections[index]?.drop(1000);
    await clock.advance(500);
    transport.connections[index + 1]?.open();
    await clock.advance(5000);
  }
  expect((await finished).text).toBe('');
  expect(warnings).toEqual(['unconfirmed_end']);
  expect(clock.pendingTimers).toBe(0);
});
