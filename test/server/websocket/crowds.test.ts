import type { Socket } from 'node:net';
import { createFakeClock } from 'transcription-client/testing';
import { expect, onTestFinished, test } from 'vitest';
import { type Browser, rawUpgrade, startRig, until } from './bridge-rig.js';

test('of 10,000 idle sockets only as many get in as may', { timeout: 90_000 }, async () => {
  const clock = createFakeClock();
  const rig = await startRig({ clock, maxConnections: 200, maxSessionsPerPrincipal: 1000 });
  const sockets = new Set<Socket>();
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const statuses = new Map<number, number>();
  const attempts = 10_000;
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < attempts; i += 100) {
    const batch = await Promise.all(
      Array.from({ length: 100 }, (_, j) => rawUpgrade(rig.port, { sockets, user: `user-${i + j}` })),
    );
    for (const status of batch) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 101: 200, 503: attempts - 200 });
  await until(() => sockets.size === 200, 'the end of the others');
  expect(rig.bridge.connections).toBe(200);
  rig.activity.length = 0;
  // Both ends are in this process, so it is a coarse bound.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  // They never send start.
  await clock.advance(10_000);
  await clock.advance(5000);
  await until(() => sockets.size === 0 && rig.bridge.connections === 0, 'the end of all');
  expect(clock.pendingTimers).toBe(0);
  await (await rig.browser()).start();
});

test('200 connections, opened, used and dropped, leave nothing', { timeout: 60_000 }, async () => {
  const clock = createFakeClock();
  const rig = await startRig({ clock, maxSessionsPerPrincipal: 1000 });
  const browsers: Browser[] = [];
  for (let i = 0; i < 200; i++) {
    const browser = await rig.browser({ user: `user-${i % 50}` });
    browsers.push(browser);
    if (i % 4 === 0) continue;
    await browser.start();
    browser.audio(Buffer.from('abc'));
  }
  await until(() => rig.client.lives.every(({ bytes }) => bytes.length === 3), 'all audio');
  expect([rig.bridge.connections, rig.bridge.sessions]).toEqual([200, 150]);
  browsers.forEach((browser, i) => {
    if (i % 4 === 1) browser.say({ type: 'finish' });
    else if (i % 4 === 2) browser.socket.close(1000);
    else browser.socket.terminate();
  });
  await until(() => rig.bridge.connections === 0, 'the end of all connections');
  // Those that were terminated wait for their browsers.
  await until(() => rig.bridge.sessions === 50, 'the end of the sessions that were left');
  await clock.advance(30_000);
  await until(() => rig.bridge.sessions === 0, 'the end of all sessions');
  expect(clock.pendingTimers).toBe(0);
  expect(rig.client.lives.map(({ calls }) => calls)).toEqual(Array(150).fill(['finish']));
});
