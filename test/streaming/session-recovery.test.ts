import { expect, test } from 'vitest';
import type { LiveEvent, LiveEventOf, Transcript } from '../../src/contracts/index.js';
import { AuthError, RateLimitError } from '../../src/errors/index.js';
import type { LiveSettings, SessionDependencies, SessionRepair } from '../../src/streaming/session-types.js';
import { createSession } from '../../src/streaming/stream.js';
import { FakeTransport, metadata, results } from '../support/fake-live-transport.js';
import { RAW_16K } from '../support/live.js';
import { ManualClock } from '../support/manual-clock.js';

const SECOND = 32_000;
const seconds = (count: number) => new Uint8Array(count * SECOND);

function start(settings: Partial<LiveSettings> = {}, more: Partial<SessionDependencies> = {}) {
  const clock = new ManualClock();
  const transport = new FakeTransport(settings.protocol);
  const events: LiveEvent[] = [];
  const { start: begin, controls } = createSession({
    transport,
    clock,
    transcriptId: 'tr_1',
    settings: { model: 'nova-3', ...RAW_16K, interimResults: true, ...settings },
    onEvent: (event) => events.push(event),
    onState: () => undefined,
    onEnd: () => undefined,
    random: () => 0.5,
    ...more,
  });
  begin();
  const of = <Type extends LiveEvent['type']>(type: Type) =>
    events.filter((event): event is LiveEventOf<Type> => event.type === type);
  return { clock, transport, events, controls, of };
}

async function open(settings: Partial<LiveSettings> = {}, more: Partial<SessionDependencies> = {}) {
  const session = start(settings, more);
  await session.clock.advance(0);
  session.transport.connection.open();
  await session.clock.advance(0);
  return session;
}

/** A store that takes everything, and a repair that lasts until it is told to end. */
function slowRepair(): SessionRepair & { end(): void } {
  let end: () => void = () => undefined;
  return {
    store: {
      capabilities: { shared: false, durable: false },
      async put(audio) {
        let sizeBytes = 0;
        for await (const chunk of audio) sizeBytes += chunk.length;
        return { ref: 'aud_0', sizeBytes };
      },
      open: () => Promise.reject(new Error('There is none.')),
      delete: async () => true,
    },
    transcribe: () =>
      new Promise((resolve) => {
        end = () => resolve({ channels: [] } as unknown as Transcript);
      }),
    end: () => end(),
  };
}

test('results that come late move finish() on', async () => {
  const { clock, transport, controls } = await open();
  await controls.send(seconds(8));
  const finished = controls.finish();
  for (let index = 0; index < 5; index += 1) {
    await clock.advance(4000);
    transport.connection.message(results(`w${index}`, { start: index }));
  }
  transport.connection.end(60);
  expect((await finished).text).toBe('w0 w1 w2 w3 w4');
});

test('a listener that aborts while a gap is told leaves nothing behind', async () => {
  const session = await open(
    { replaySeconds: 1 },
    {
      onEvent: (event) => {
        if (event.type === 'gap') session.controls.abort();
      },
    },
  );
  const { clock, transport, controls } = session;
  transport.connection.drop(1006);
  for (let index = 0; index < 60; index += 1) controls.send(seconds(0.1)).catch(() => undefined);
  await clock.advance(300);
  transport.connection.open();
  await clock.advance(0);
  expect(controls.stats().state).toBe('failed');
  expect(clock.pendingTimers).toBe(0);
});

test('while repairs run the place is given back, and the connection is left alone', async () => {
  const repair = slowRepair();
  let released = 0;
  const release = (): void => {
    released += 1;
  };
  const acquire = async () => ({ release });
  const { clock, transport, controls } = await open(
    { replaySeconds: 1, finishTimeoutMs: 2000 },
    { repair, acquire },
  );
  transport.connection.drop(1006);
  for (let index = 0; index < 60; index += 1) controls.send(seconds(0.1)).catch(() => undefined);
  await clock.advance(300);
  const { connection } = transport;
  connection.open();
  let pings = 0;
  const ping = connection.ping.bind(connection);
  connection.ping = () => {
    if (connection.closedWith !== undefined) pings += 1;
    return ping();
  };
  const finished = controls.finish();
  await clock.advance(20_000);
  expect([released, pings, controls.stats().state]).toEqual([1, 0, 'finishing']);
  repair.end();
  await finished;
  expect(released).toBe(1);
});

test('a repair that never ends does not hold up finish() for ever', async () => {
  const { clock, transport, controls } = await open({ replaySeconds: 1 }, { repair: slowRepair() });
  transport.connection.drop(1006);
  for (let index = 0; index < 60; index += 1) controls.send(seconds(0.1)).catch(() => undefined);
  await clock.advance(300);
  transport.connection.open();
  const finished = controls.finish();
  await clock.advance(5000);
  transport.connection.end(6);
  await clock.advance(3_600_000);
  await finished;
  expect(clock.pendingTimers).toBe(0);
});

test('a Retry-After that is longer than the first connection may take ends the session with it', async () => {
  const { clock, transport, controls } = start();
  await clock.advance(0);
  const error = new RateLimitError('too many', {
    code: 'rate_limited',
    retryable: true,
    retryAfterMs: 10_000,
  });
  transport.connection.drop(1006, error);
  await expect(controls.opened).rejects.toBe(error);
  expect(transport.connections).toHaveLength(1);
});

test('connections that open and give nothing back off, and are given up', async () => {
  const { clock, transport, controls } = await open({
    reconnect: { giveUpAfterMs: 60_000, maxDelayMs: 5000 },
  });
  controls.send(seconds(1)).catch(() => undefined);
  while (clock.monotonicMs() < 300_000 && controls.stats().state !== 'failed') {
    transport.connection.drop(1011);
    const { length } = transport.connections;
    while (transport.connections.length === length && controls.stats().state !== 'failed') {
      await clock.advance(100);
    }
    transport.connection.open();
    transport.connection.message({ type: 'Connected' });
  }
  await expect(controls.finish()).rejects.toMatchObject({ code: 'connection_closed' });
  expect(clock.monotonicMs()).toBeLessThan(90_000);
  expect(transport.connections.length).toBeLessThan(60);
});

test('audio that was sent at once is no sign of a dead connection', async () => {
  const { clock, transport, controls, of } = start();
  await clock.advance(0);
  for (let index = 0; index < 12; index += 1) await controls.send(seconds(1));
  transport.connection.open();
  await clock.advance(2000);
  expect(of('reconnecting')).toEqual([]);
  await clock.advance(10_000);
  expect(of('reconnecting')).toHaveLength(1);
});

test('a connection that gives nothing in a replay is noticed as well', async () => {
  const { clock, transport, controls } = await open();
  for (let index = 0; index < 16; index += 1) await controls.send(seconds(0.5));
  transport.connection.drop(1006);
  await clock.advance(300);
  const silent = transport.connection;
  silent.open();
  for (let ms = 0; ms < 20_000 && transport.connection === silent; ms += 500) {
    controls.send(seconds(0.5)).catch(() => undefined);
    await clock.advance(500);
  }
  expect(transport.connection).not.toBe(silent);
});

test('every reconnecting is followed by a reconnected, also before the first connection', async () => {
  const { clock, transport, of } = start();
  await clock.advance(0);
  transport.connection.drop(1006);
  await clock.advance(500);
  transport.connection.open();
  expect(of('reconnecting')).toHaveLength(1);
  expect(of('reconnected')).toEqual([{ type: 'reconnected', connection: 0 }]);
});

test('an interim for which no final comes is the final', async () => {
  const { clock, transport, controls, of } = await open({ finishTimeoutMs: 1000 });
  await controls.send(seconds(2));
  transport.connection.message(results('hel lo', { isFinal: false }));
  const finished = controls.finish();
  await clock.advance(1000);
  expect((await finished).text).toBe('hel lo');
  expect(of('final').map(({ text }) => text)).toEqual(['hel lo']);
});

test('finish() in an outage succeeds where everything is final already', async () => {
  const { clock, transport, controls } = await open({ finishTimeoutMs: 1000 });
  await controls.send(seconds(0.8));
  transport.connection.message(results('one two'));
  transport.connection.drop(1006);
  const finished = controls.finish();
  await clock.advance(1000);
  expect((await finished).text).toBe('one two');
});

test('a fatal refusal while finishing is told, although there is a store', async () => {
  const { clock, transport, controls } = await open({}, { repair: slowRepair() });
  await controls.send(seconds(2));
  transport.connection.drop(1006);
  const finished = controls.finish();
  await clock.advance(300);
  const error = new AuthError('no', { code: 'invalid_credentials' });
  transport.connection.drop(1006, error);
  await expect(finished).rejects.toBe(error);
});

test('metadata of the last connection does not shorten the transcript', async () => {
  const { clock, transport, controls } = await open();
  await controls.send(seconds(4));
  transport.connection.message(results('one two three four five six seven eight nine ten'));
  transport.connection.drop(1006);
  await clock.advance(300);
  transport.connection.open();
  const finished = controls.finish();
  transport.connection.message(metadata(0));
  transport.connection.drop(1000);
  expect((await finished).durationSeconds).toBe(4);
});
