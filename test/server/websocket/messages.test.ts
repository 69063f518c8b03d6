import { expect, test } from 'vitest';
import { BadRequestError, TranscriptionError } from '../../../src/errors/index.js';
import { startRig, until } from './bridge-rig.js';
import { FakeLive, final, interim, TRANSCRIPT } from './fake-client.js';

test('a session from its start to its end, message by message', async () => {
  const ended: unknown[] = [];
  const rig = await startRig({
    streamOptions: { model: 'nova-3', language: 'de' },
    onSessionEnd: (principal, transcript) => void ended.push([principal, transcript]),
  });
  const browser = await rig.browser();
  const ready = await browser.start({
    options: { language: 'en', encoding: 'linear16', sample_rate: 16_000 },
  });
  expect(ready).toEqual({ type: 'ready', version: 1, session: expect.any(String), position: 0 });
  expect(Buffer.from(ready.session, 'base64url')).toHaveLength(32);
  const { client } = rig;
  expect(client.last.options).toEqual({
    model: 'nova-3',
    language: 'en',
    encoding: 'linear16',
    sample_rate: 16_000,
    userId: 'anna',
  });

  browser.audio(Buffer.from('abc'));
  browser.audio(Buffer.alloc(0));
  browser.audio(Buffer.from('defg'));
  browser.say({ type: 'finalize' });
  client.last.tell(interim('one'), final('one two'));
  expect((await browser.next('event', 1)).event).toMatchObject({ type: 'final', text: 'one two' });
  expect((await browser.next('ack')).position).toBe(7);
  browser.say({ type: 'ping', id: 4 });
  expect(await browser.next('pong')).toEqual({ type: 'pong', id: 4 });
  browser.say({ type: 'finish' });
  expect(await browser.closed).toEqual({ code: 1000, reason: '' });

  expect(client.last.bytes.toString()).toBe('abcdefg');
  expect(client.last.calls).toEqual(['finalize', 'finish']);
  expect(browser.of('event').map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const transcript = { ...TRANSCRIPT, response: { results: [], metadata: [] } };
  expect(browser.events().at(-1)).toEqual({ type: 'end', transcript });
  expect(ended).toEqual([[{ userId: 'anna' }, TRANSCRIPT]]);
  await expect.poll(() => [rig.bridge.connections, rig.bridge.sessions]).toEqual([0, 0]);
  expect(rig.activity.map(({ type }) => type)).toEqual([
    'connected',
    'session-start',
    'session-end',
    'disconnected',
  ]);
  expect(rig.activity[2]).toMatchObject({ outcome: 'completed', audioBytes: 7, userId: 'anna' });
});

test('the transcript stays here where that is wanted', async () => {
  const rig = await startRig({ sendTranscript: false });
  const browser = await rig.browser();
  await browser.start();
  browser.say({ type: 'finish' });
  await browser.closed;
  expect(browser.events()).toEqual([{ type: 'end' }]);
});

test.each([
  ['audio before start', Buffer.alloc(20), 'first message'],
  ['finalize before start', { type: 'finalize' }, 'first message'],
  ['no JSON', 'hello', 'JSON'],
  ['no object', '[]', 'object'],
  ['null', 'null', 'object'],
  ['an unknown type', { type: 'launch' }, "'launch'"],
  ['no type', {}, 'type'],
  ['options that are none', { type: 'start', options: [] }, 'options'],
  ['a session that is no string', { type: 'start', session: 1 }, 'session'],
  ['a number of events that is none', { type: 'start', session: 'x', received: -1 }, 'received'],
  ['another user', { type: 'start', options: { userId: 'ben' } }, 'userId'],
  ['a callback', { type: 'start', options: { callback: 'https://evil.example' } }, 'callback'],
  ['a query', { type: 'start', options: { query: { callback: 'x' } } }, 'query'],
  ['a model', { type: 'start', options: { model: 'nova-2' } }, 'model'],
  ['a prototype', '{"type":"start","options":{"__proto__":{"userId":"ben"}}}', '__proto__'],
  ['an object as a value', { type: 'start', options: { language: {} } }, 'language'],
  ['a long value', { type: 'start', options: { language: 'x'.repeat(1001) } }, 'language'],
  ['a long name', { type: 'start', options: { ['x'.repeat(5000)]: 1 } }, '5000'],
])('%s is refused with 4400', async (_what, message, reason) => {
  const rig = await startRig();
  const browser = await rig.browser();
  if (Buffer.isBuffer(message)) browser.socket.send(message);
  else browser.say(message);
  const closed = await browser.closed;
  expect(closed.code).toBe(4400);
  expect(closed.reason).toContain(reason);
  expect(rig.client.lives).toEqual([]);
});

test.each([
  ['a second start', (): unknown => ({ type: 'start' }), 'already'],
  ['an unknown type', (): unknown => ({ type: 'launch' }), "'launch'"],
  ['a ping without a number', (): unknown => ({ type: 'ping', id: 'x' }), 'ping.id'],
  ['audio without a position', (): unknown => Buffer.alloc(7), '8 bytes'],
  ['audio that does not join on', (): unknown => frameAt(1n), 'expected position 0, got 1'],
  ['a position that no number holds', (): unknown => frameAt(2n ** 63n), 'too large'],
])(
  '%s in a session is refused with 4400, and the session can be taken up again',
  async (_what, make, reason) => {
    const rig = await startRig();
    const browser = await rig.browser();
    const { session } = await browser.start();
    const message = make();
    if (Buffer.isBuffer(message)) browser.socket.send(message);
    else browser.say(message);
    expect(await browser.closed).toMatchObject({ code: 4400, reason: expect.stringContaining(reason) });
    expect(rig.bridge.sessions).toBe(1);
    await (await rig.browser()).start({ session });
  },
);

function frameAt(position: bigint): Buffer {
  const frame = Buffer.alloc(10);
  frame.writeBigUInt64BE(position);
  return frame;
}

test('audio after finish is refused, and what was sent before may come again', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  await browser.start();
  rig.client.last.block();
  browser.audio(Buffer.from('ab'));
  browser.say({ type: 'finish' });
  browser.audio(Buffer.from('ab'), 0);
  browser.say({ type: 'ping', id: 1 });
  await browser.next('pong');
  browser.audio(Buffer.from('c'), 2);
  expect(await browser.closed).toMatchObject({ code: 4400, reason: 'Audio came after finish.' });
});

test('a frame of a megabyte ends the connection with 1009', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  await browser.start();
  browser.audio(Buffer.alloc(65_536));
  await until(() => rig.client.last.bytes.length === 65_536, 'the largest frame');
  browser.audio(Buffer.alloc(1_048_576));
  expect((await browser.closed).code).toBe(1009);
  expect(rig.client.last.bytes.length).toBe(65_536);
  const early = await rig.browser();
  early.say({ type: 'start', options: { language: 'x'.repeat(1_048_576) } });
  expect((await early.closed).code).toBe(1009);
  await expect.poll(() => rig.bridge.connections).toBe(0);
});

test('options that the client refuses are told', async () => {
  const rig = await startRig();
  rig.client.refusal = new BadRequestError('The option sample_rate must be a number.', {
    code: 'invalid_option',
  });
  const browser = await rig.browser();
  browser.say({ type: 'start' });
  expect(await browser.closed).toEqual({ code: 4400, reason: 'The option sample_rate must be a number.' });
  rig.client.refusal = new Error('canary');
  const second = await rig.browser();
  second.say({ type: 'start' });
  expect(await second.closed).toEqual({ code: 1011, reason: 'The session could not be opened.' });
  expect(rig.bridge.sessions).toBe(0);
});

test('a session that fails tells its error as data, and what is no error of ours not at all', async () => {
  const ended: unknown[] = [];
  const rig = await startRig({ onSessionEnd: (...told) => void ended.push(told) });
  const browser = await rig.browser();
  await browser.start();
  const cause = new Error('canary');
  rig.client.last.fail(new TranscriptionError('No.', { code: 'payment_required', requestId: 'r', cause }));
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events()).toEqual([
    {
      type: 'error',
      error: { name: 'TranscriptionError', code: 'payment_required', message: 'No.', retryable: false },
    },
    { type: 'end' },
  ]);
  expect(ended).toEqual([[{ userId: 'anna' }, undefined]]);
  const second = await rig.browser();
  await second.start();
  rig.client.last.fail(new Error('canary https://u:canary@host/?key=canary'));
  await second.closed;
  expect(second.texts.join()).toContain('The session has failed.');
  expect(second.texts.join()).not.toContain('canary');
  expect(rig.activity).toContainEqual(expect.objectContaining({ type: 'session-end', outcome: 'failed' }));
});

test('events that cannot be read end the session', async () => {
  const rig = await startRig();
  rig.client.stream = (options) => {
    const live = new FakeLive(options);
    rig.client.lives.push(live);
    live[Symbol.asyncIterator] = () => {
      throw new Error('consumed');
    };
    return live;
  };
  const browser = await rig.browser();
  await browser.start();
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events().map(({ type }) => type)).toEqual(['error', 'end']);
});

test('a session that takes no audio any more is ended', async () => {
  const rig = await startRig();
  const browser = await rig.browser();
  await browser.start();
  rig.client.last.send = () => Promise.reject(new Error('canary'));
  browser.audio(Buffer.from('ab'));
  expect((await browser.closed).code).toBe(1000);
  expect(browser.events()).toMatchObject([{ type: 'end' }]);
});

test('a failing onSessionEnd is told, and harms nobody', async () => {
  const rig = await startRig({
    onSessionEnd: () => {
      throw new Error('no disk');
    },
  });
  const browser = await rig.browser();
  await browser.start();
  browser.say({ type: 'finish' });
  expect((await browser.closed).code).toBe(1000);
  expect(rig.activity).toContainEqual({
    type: 'error',
    error: expect.objectContaining({
      message: 'The function onSessionEnd of the WebSocket bridge has failed.',
      cause: expect.objectContaining({ message: 'Error: no disk' }),
    }),
  });
});
