import { expect, test } from 'vitest';
import { startRig, until } from './bridge-rig.js';
import { final } from './fake-client.js';

test('a closed bridge finishes its sessions, and refuses new ones meanwhile', async () => {
  let release: () => void = () => undefined;
  const stored = new Promise<void>((resolve) => {
    release = resolve;
  });
  const rig = await startRig({ onSessionEnd: () => stored });
  const unstarted = await rig.browser();
  const running = await rig.browser();
  await running.start();
  const gone = await rig.browser({ user: 'ben' });
  await gone.start();
  gone.socket.terminate();
  await until(() => rig.bridge.connections === 2, 'the end of the connection');
  const closing = rig.bridge.close();
  expect((await unstarted.closed).code).toBe(1001);
  expect((await running.closed).code).toBe(1000);
  expect(running.events()).toMatchObject([{ type: 'end', transcript: { text: 'one two' } }]);
  expect((await rig.refused()).status).toBe(503);
  release();
  await closing;
  expect([rig.bridge.connections, rig.bridge.sessions]).toEqual([0, 0]);
  expect(rig.server.listenerCount('upgrade')).toBe(0);
  expect(rig.server.listening).toBe(true);
  await rig.bridge.close();
});

test('what does not end in time is aborted', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  await browser.start();
  const live = rig.client.last;
  live.finish = () => new Promise(() => undefined);
  const { abort } = live;
  live.abort = (reason) => {
    live.finish = Object.getPrototypeOf(live).finish;
    abort.call(live, reason);
  };
  live.tell(final('one'));
  await rig.bridge.close({ timeoutMs: 50 });
  expect((await browser.closed).code).toBe(1001);
  expect(live.calls).toContain('abort');
  expect(browser.finals()).toEqual(['one']);
  expect([rig.bridge.connections, rig.bridge.sessions]).toEqual([0, 0]);
});

test('a browser that reads nothing does not hold up the close', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  await browser.start();
  browser.socket.pause();
  const began = performance.now();
  await rig.bridge.close({ timeoutMs: 50 });
  expect(performance.now() - began).toBeLessThan(4000);
  expect(rig.bridge.connections).toBe(0);
});

test('a wrong time for closing is refused', async () => {
  const rig = await startRig();
  await expect(rig.bridge.close({ timeoutMs: -1 })).rejects.toThrow('timeoutMs');
  await (await rig.browser()).start();
});
