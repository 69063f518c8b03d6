import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { type Browser, startRig, until } from './bridge-rig.js';
import { final, interim } from './fake-client.js';

test('a browser that comes back gets what it missed, and sends what was not received', async () => {
  const rig = await startRig();
  const first = await rig.browser();
  const { session } = await first.start();
  const live = rig.client.last;
  first.audio(Buffer.from('abcdef'));
  live.tell(final('one'), interim('tw'));
  await first.next('event', 1);
  await until(() => live.bytes.length === 6, 'the audio');
  first.socket.terminate();
  await until(() => rig.bridge.connections === 0, 'the end of the connection');
  live.tell(interim('two'), final('two'), interim('three'));

  const second = await rig.browser();
  const ready = await second.start({ session, received: 1 });
  expect(ready).toEqual({ type: 'ready', version: 1, session, position: 6 });
  await second.next('event', 1);
  // Interims that a newer event has replaced are not sent again.
  expect(second.of('event').map(({ seq, event }) => [seq, event.type])).toEqual([
    [4, 'final'],
    [5, 'interim'],
  ]);
  second.audio(Buffer.from('efgh'), 4);
  second.audio(Buffer.from('cd'), 2);
  await until(() => live.bytes.length === 8, 'the rest');
  expect(live.bytes.toString()).toBe('abcdefgh');
  second.say({ type: 'finish' });
  expect((await second.closed).code).toBe(1000);
  expect(rig.client.lives).toHaveLength(1);
  expect(rig.activity.map(({ type }) => type)).toContain('session-resume');
  expect(inspect(rig.activity)).not.toContain(session);
});

test('a second connection takes the session over', async () => {
  const rig = await startRig();
  const first = await rig.browser();
  const { session } = await first.start();
  const second = await rig.browser();
  await second.start({ session });
  expect((await first.closed).code).toBe(4409);
  rig.client.last.tell(final('one'));
  await second.next('event');
  expect(first.of('event')).toEqual([]);
  expect(rig.bridge.sessions).toBe(1);
});

test('a session is unknown to another user, and so is a token that is none', async () => {
  const rig = await startRig();
  const { session } = await (await rig.browser()).start();
  const answers: unknown[] = [];
  for (const [user, token] of [
    ['ben', session],
    ['anna', `${session.slice(0, -1)}${session.endsWith('A') ? 'B' : 'A'}`],
    ['anna', session.slice(0, -1)],
    ['anna', ''],
  ] as const) {
    const browser = await rig.browser({ user });
    browser.say({ type: 'start', session: token });
    answers.push(await browser.closed);
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
    new Set(['{"code":4404,"reason":"There is no such session."}']),
  );
  expect(inspect(rig.bridge, { depth: 9, showHidden: true })).not.toContain(session);
});

test('more events than were sent cannot have been received', async () => {
  const rig = await startRig();
  const { session } = await (await rig.browser()).start();
  const browser = await rig.browser();
  browser.say({ type: 'start', session, received: 1 });
  expect((await browser.closed).code).toBe(4400);
});

test('the end is still there for a browser that went before it came', async () => {
  const rig = await startRig();
  const first = await rig.browser();
  const { session } = await first.start();
  first.say({ type: 'finish' });
  first.socket.terminate();
  const second = await rig.browser();
  await second.start({ session });
  expect((await second.closed).code).toBe(1000);
  expect(second.events().map(({ type }) => type)).toEqual(['end']);
  await until(() => rig.bridge.sessions === 0, 'the end of the session');
  const third = await rig.browser();
  third.say({ type: 'start', session });
  expect((await third.closed).code).toBe(4404);
});

test.each([
  [1000, 0],
  [undefined, 1],
  [4000, 1],
])('a browser that closes with %s leaves %i sessions', async (code, sessions) => {
  const ended: unknown[] = [];
  const rig = await startRig({ onSessionEnd: (_principal, transcript) => void ended.push(transcript?.text) });
  const browser = await rig.browser();
  await browser.start();
  browser.socket.close(code);
  await until(() => rig.bridge.connections === 0, 'the end of the connection');
  await expect.poll(() => rig.bridge.sessions).toBe(sessions);
  expect(ended).toEqual(sessions === 0 ? ['one two'] : []);
});

test('finals that no buffer holds are told as a warning, and the rest comes', async () => {
  const rig = await startRig();
  const first = await rig.browser();
  const { session } = await first.start();
  first.socket.terminate();
  await until(() => rig.bridge.connections === 0, 'the end of the connection');
  const live = rig.client.last;
  for (let i = 1; i <= 6000; i++) live.tell(final(`${i}`), interim(`${i} and`));
  live.tell(final('last'));
  await until(() => rig.bridge.sessions === 1, 'the session');

  const second = await rig.browser();
  await second.start({ session });
  await until(() => second.finals().at(-1) === 'last', 'the last final');
  const [warning, next] = second.of('event');
  expect(warning?.event).toMatchObject({ type: 'warning', code: 'events_lost' });
  expect(next?.seq).toBeGreaterThan(warning?.seq ?? 0);
  expect(second.of('event')).toHaveLength(5001);
  expectRising(second);
});

test('large finals are bounded by their bytes', async () => {
  const rig = await startRig();
  const first = await rig.browser();
  const { session } = await first.start();
  first.socket.terminate();
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 100; i++) rig.client.last.tell(final(text));
  const second = await rig.browser();
  await second.start({ session });
  rig.client.last.tell(final('last'));
  await until(() => second.finals().at(-1) === 'last', 'the last final');
  expect(Buffer.byteLength(second.texts.join(''))).toBeLessThan(4_194_304 + 110_000);
  expect(second.finals().length).toBeGreaterThan(35);
  expectRising(second);
});

function expectRising(browser: Browser): void {
  const seqs = browser.of('event').map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
}
