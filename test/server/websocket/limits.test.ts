import { createFakeClock, type FakeClock } from 'transcription-client/testing';
import { expect, test } from 'vitest';
import type { WebSocketBridgeOptions } from '../../../src/server/websocket/index.js';
import { type Browser, type Rig, rawUpgrade, startRig, until } from './bridge-rig.js';
import type { FakeClient } from './fake-client.js';

interface TimedRig extends Rig<FakeClient> {
  readonly clock: FakeClock;
}

async function startTimedRig(options: Partial<WebSocketBridgeOptions> = {}): Promise<TimedRig> {
  const clock = createFakeClock();
  return { ...(await startRig({ clock, ...options })), clock };
}

/** A ping, and its answer: all that was sent before has arrived. */
async function settled(browser: Browser): Promise<void> {
  const seen = browser.of('pong').length;
  browser.say({ type: 'ping', id: seen });
  await browser.next('pong', seen);
}

test('an upgrade that never sends start is closed in time', async () => {
  const { browser, clock, bridge } = await startTimedRig();
  const silent = await browser();
  await clock.advance(9999);
  expect(bridge.connections).toBe(1);
  await clock.advance(1);
  expect(await silent.closed).toEqual({ code: 4408, reason: 'No start came in time.' });
  await until(() => bridge.connections === 0, 'the end of the connection');
  expect(clock.pendingTimers).toBe(0);
});

test('a bare socket that says nothing, not even to the close, is destroyed', async () => {
  const { port, clock, bridge } = await startTimedRig();
  const sockets = new Set<never>();
  expect(await rawUpgrade(port, { sockets: sockets as never })).toBe(101);
  await clock.advance(10_000);
  expect(bridge.connections).toBe(1);
  await clock.advance(5000);
  await until(() => bridge.connections === 0 && sockets.size === 0, 'the end of the connection');
  expect(clock.pendingTimers).toBe(0);
});

test('a browser that sends nothing for a minute loses its session, and gets its transcript', async () => {
  const { browser, clock, bridge } = await startTimedRig();
  const silent = await browser();
  await silent.start();
  for (let i = 0; i < 3; i++) {
    await clock.advance(40_000);
    await settled(silent);
  }
  await clock.advance(59_999);
  expect(silent.events()).toEqual([]);
  await clock.advance(1);
  expect(await silent.closed).toEqual({ code: 4408, reason: 'No message came for too long.' });
  expect(silent.events()).toMatchObject([{ type: 'end', transcript: { text: 'one two' } }]);
  await until(() => bridge.sessions === 0, 'the end of the session');
  expect(clock.pendingTimers).toBe(0);
});

test('no session lasts longer than it may', async () => {
  const { browser, clock, bridge } = await startTimedRig({ maxSessionMs: 120_000 });
  const talking = await browser();
  await talking.start();
  for (let i = 0; i < 4; i++) {
    talking.audio(Buffer.from('ab'));
    await settled(talking);
    await clock.advance(29_999);
  }
  await clock.advance(4);
  expect(await talking.closed).toEqual({ code: 4408, reason: 'The session has lasted too long.' });
  expect(talking.events()).toMatchObject([{ type: 'end' }]);
  await until(() => bridge.sessions === 0, 'the end of the session');
  expect(clock.pendingTimers).toBe(0);
});

test('a browser that answers no ping is gone after two, and its session stays', async () => {
  const { browser, clock, bridge } = await startTimedRig();
  const mute = await browser({ options: { autoPong: false } });
  await mute.start();
  await clock.advance(30_000);
  expect(bridge.connections).toBe(1);
  await clock.advance(15_000);
  expect((await mute.closed).code).toBe(1006);
  await until(() => bridge.connections === 0, 'the end of the connection');
  expect(bridge.sessions).toBe(1);
  const lively = await browser();
  await lively.start();
  for (let i = 0; i < 3; i++) {
    await clock.advance(15_000);
    await settled(lively);
  }
  expect(bridge.connections).toBe(1);
});

test('a session whose browser does not come back is finished', async () => {
  const ended: unknown[] = [];
  const { browser, clock, bridge, client } = await startTimedRig({
    onSessionEnd: (_principal, transcript) => void ended.push(transcript?.text),
  });
  const gone = await browser();
  const { session } = await gone.start();
  gone.audio(Buffer.from('ab'));
  await settled(gone);
  gone.socket.terminate();
  await until(() => bridge.connections === 0, 'the end of the connection');
  await clock.advance(29_999);
  expect(client.last.calls).toEqual([]);
  await clock.advance(1);
  await until(() => bridge.sessions === 0, 'the end of the session');
  expect(client.last.calls).toEqual(['finish']);
  expect(ended).toEqual(['one two']);
  expect(clock.pendingTimers).toBe(0);
  const late = await browser();
  late.say({ type: 'start', session });
  expect((await late.closed).code).toBe(4404);
});

test('who comes back in time does so again and again', async () => {
  const { browser, clock, client } = await startTimedRig({ maxSessionMs: 1e9 });
  let browserNow = await browser();
  const { session } = await browserNow.start();
  for (let i = 0; i < 5; i++) {
    browserNow.socket.terminate();
    await clock.advance(29_000);
    browserNow = await browser();
    await browserNow.start({ session });
  }
  await clock.advance(31_000);
  expect(client.last.calls).toEqual([]);
});

test('an ended session that was not fetched makes room for a new one', async () => {
  const { browser, bridge } = await startTimedRig({ maxSessionsPerPrincipal: 1 });
  const gone = await browser();
  await gone.start();
  gone.say({ type: 'finish' });
  gone.socket.terminate();
  await until(() => bridge.connections === 0, 'the end of the connection');
  expect(bridge.sessions).toBe(1);
  await (await browser()).start();
  expect(bridge.sessions).toBe(1);
});

test('audio is acknowledged within a second, and every 256 KiB', async () => {
  const { browser, clock } = await startTimedRig();
  const talking = await browser();
  await talking.start();
  talking.audio(Buffer.alloc(1000));
  await settled(talking);
  expect(talking.of('ack')).toEqual([]);
  await clock.advance(1000);
  expect((await talking.next('ack')).position).toBe(1000);
  for (let i = 0; i < 9; i++) talking.audio(Buffer.alloc(60_000));
  await settled(talking);
  expect(talking.of('ack').map(({ position }) => position)).toEqual([1000, 301_000]);
});
