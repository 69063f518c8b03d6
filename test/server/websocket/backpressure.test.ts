import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startRig, until } from './bridge-rig.js';
import { final, interim } from './fake-client.js';

const FRAME = Buffer.alloc(32_768, 'a');

test('a Deepgram that takes nothing stops the browser, and the memory that it costs is bounded', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  const { session } = await browser.start();
  const live = rig.client.last;
  live.block();
  for (let i = 0; i < 1000; i++) browser.audio(FRAME);
  await browser.next('pause');
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The bridge reads no more: the rest waits in the browser.
  expect(browser.socket.bufferedAmount).toBeGreaterThan(16_000_000);
  expect(browser.of('resume')).toEqual([]);

  const second = await rig.browser();
  const { position } = await second.start({ session });
  await second.next('pause');
  // The first one is read to its end, although the session takes nothing: it need not be destroyed.
  const began = performance.now();
  expect((await browser.closed).code).toBe(4409);
  expect(performance.now() - began).toBeLessThan(4000);
  expect(position).toBeLessThan(500_000);
  live.unblock();
  await second.next('resume');
  second.audio(FRAME, position);
  await until(() => live.bytes.length === position + FRAME.length, 'all audio');
  second.say({ type: 'finish' });
  expect((await second.closed).code).toBe(1000);
});

test('a browser that waits is neither idle nor dead', async () => {
  const rig = await startRig({ idleTimeoutMs: 100, heartbeatMs: 30 });
  const browser = await rig.browser();
  await browser.start();
  rig.client.last.block();
  for (let i = 0; i < 10; i++) browser.audio(FRAME);
  await browser.next('pause');
  // It cannot see pings, so it is told again.
  await browser.next('pause', 12);
  rig.client.last.unblock();
  await browser.next('resume');
  expect(browser.socket.readyState).toBe(browser.socket.OPEN);
});

test('a browser that reads slowly misses interims, and no final', async () => {
  const rig = await startRig({ maxBufferedBytes: 4_194_304 });
  const browser = await rig.browser();
  await browser.start();
  browser.socket.pause();
  const words = 'word '.repeat(400);
  for (let i = 0; i < 3000; i++) {
    rig.client.last.tell(interim(`${i} ${words}`));
    if (i % 10 === 0) rig.client.last.tell(final(`${i}`));
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  browser.socket.resume();
  await until(() => browser.finals().at(-1) === '2990', 'the last final');
  expect(browser.finals()).toEqual(Array.from({ length: 300 }, (_, i) => `${i * 10}`));
  const interims = browser.events().filter(({ type }) => type === 'interim').length;
  expect(interims).toBeLessThan(2900);
});

test('with too many finals unread the connection is closed, and all come after a resume', async () => {
  const rig = await startRig({ maxBufferedBytes: 65_536 });
  const first = await rig.browser();
  const { session } = await first.start();
  first.socket.pause();
  const words = 'word '.repeat(2000);
  let count = 0;
  const isDetached = (): boolean => rig.activity.some(({ type }) => type === 'session-detached');
  while (!isDetached() && count < 2000) {
    rig.client.last.tell(final(`${count++} ${words}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isDetached()).toBe(true);
  first.socket.resume();
  expect((await first.closed).code).toBe(1011);
  const received = first.of('event').at(-1)?.seq ?? 0;

  // What has come meanwhile is more than may wait, and no reason to close again.
  for (const more = count + 390; count < more; ) rig.client.last.tell(final(`${count++} ${words}`));
  const second = await rig.browser();
  second.socket.once('message', () => second.socket.pause());
  await second.start({ session, received });
  await new Promise((resolve) => setTimeout(resolve, 50));
  rig.client.last.tell(final('last'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  second.socket.resume();
  await until(() => second.finals().at(-1) === 'last', 'the last final');
  const numbers = [...first.finals(), ...second.finals()].map((text) => text.split(' ', 1)[0]);
  expect(numbers).toEqual([...Array.from({ length: count }, (_, i) => `${i}`), 'last']);
});

test('an end that is larger than the buffer arrives', async () => {
  const rig = await startRig({ maxBufferedBytes: 1024 });
  const browser = await rig.browser();
  await browser.start();
  rig.client.last.tell(final('x'.repeat(5_000_000)));
  browser.say({ type: 'finish' });
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events().map(({ type }) => type)).toEqual(['final', 'end']);
});

test('questions without reading the answers cost no memory', async () => {
  const rig = await startRig({ maxBufferedBytes: 1024 });
  const browser = await rig.browser();
  await browser.start();
  browser.socket.pause();
  // More answers than what the system keeps for a socket that nobody reads.
  const { _socket: socket } = browser.socket as unknown as { _socket: Socket };
  socket.write(Buffer.concat(Array(300_000).fill(frameOf('{"type":"ping","id":1.2345678901234567e+300}'))));
  browser.audio(Buffer.from('x'));
  await until(() => rig.client.last.bytes.length === 1, 'the audio after them');
  browser.socket.resume();
  browser.say({ type: 'finish' });
  expect((await browser.closed).code).toBe(1000);
  expect(browser.of('pong').length).toBeLessThan(300_000);
});

/** As a browser sends it, masked with zeros. */
function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}
