import { DeepgramClient } from '@deepgram/sdk';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createFakeClock } from '../../src/testing/fake-clock.js';
import { framesOf, refusedLive } from './emulator-client.js';
import { changes, openFlux, stream } from './emulator-flux-client.js';

/** A pause of 450 ms inside the first turn, one of 1.5 s behind it. */
const SPEECH = synthesizeSpeech(
  [
    { text: 'well hello', pauseAfterSeconds: 0.45 },
    { text: 'big world', pauseAfterSeconds: 1.5 },
    { text: 'good bye', pauseAfterSeconds: 0.2 },
  ],
  { container: 'raw', trailSeconds: 0.2 },
);
const FLUX = '/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000';

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

describe('Flux turns', () => {
  it('start with speech, grow, and end at a pause of 700 ms', async () => {
    const messages = await stream(await openFlux(emulator), SPEECH.audio);
    expect(changes(messages).map((text) => text.split(':')[0])).toEqual([
      'StartOfTurn',
      'EndOfTurn',
      'StartOfTurn',
    ]);
    const end = messages.find(({ event }) => event === 'EndOfTurn');
    expect(end).toMatchObject({ turn_index: 0, transcript: 'well hello big world', trigger: 'model' });
    expect(end?.end_of_turn_confidence).toBeGreaterThanOrEqual(0.7);
    for (const [index, spoken] of SPEECH.words.slice(0, 4).entries()) {
      expect(end?.words?.[index]).toMatchObject({ word: spoken.word, confidence: expect.closeTo(0.99, 1) });
      expect(end?.words?.[index]?.start).toBeCloseTo(spoken.start, 2);
      expect(end?.words?.[index]?.end).toBeCloseTo(spoken.end, 2);
    }
    const updates = messages.filter(({ event, turn_index }) => event === 'Update' && turn_index === 0);
    expect(new Set(updates.map(({ transcript }) => transcript)).size).toBeGreaterThan(2);
  });

  it('end eagerly and resume with eager_eot_threshold', async () => {
    const messages = await stream(await openFlux(emulator, { eager_eot_threshold: '0.3' }), SPEECH.audio);
    expect(changes(messages).slice(0, 5)).toEqual([
      expect.stringMatching(/^StartOfTurn: w/),
      'EagerEndOfTurn: well hello',
      expect.stringMatching(/^TurnResumed: well hello b/),
      'EagerEndOfTurn: well hello big world',
      'EndOfTurn: well hello big world',
    ]);
  });

  it('end by eot_timeout_ms where no confidence is enough', async () => {
    const query = { eot_threshold: '1', eot_timeout_ms: '1200' };
    const messages = await stream(await openFlux(emulator, query), SPEECH.audio);
    const ends = messages.filter(({ event }) => event === 'EndOfTurn');
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ trigger: 'timeout', transcript: 'well hello big world' });
    expect(ends[0]?.audio_window_end).toBeCloseTo((SPEECH.words[3]?.end ?? 0) + 1.2, 2);
  });

  it('begin with Connected, are counted, and end without EndOfTurn or Metadata, with 1005', async () => {
    const client = await openFlux(emulator);
    await vi.waitFor(() => expect(client.messages).toHaveLength(1));
    const messages = await stream(client, SPEECH.audio);
    expect(messages[0]).toMatchObject({ type: 'Connected', sequence_id: 0 });
    expect(messages.map(({ sequence_id }) => sequence_id)).toEqual(messages.map((_, index) => index));
    const id = emulator.requests[0]?.requestId;
    expect(messages.every(({ request_id }) => request_id === id)).toBe(true);
    expect(messages.at(-1)).toMatchObject({ event: 'Update', turn_index: 1, transcript: 'good bye' });
    expect(messages.at(-1)?.audio_window_end).toBeCloseTo(SPEECH.durationSeconds, 3);
    expect((await client.closed).code).toBe(1005);
  });

  it('are the same however the audio was cut into messages', async () => {
    const seen = new Set<string>();
    for (const bytes of [333, 2560, 1_000_000]) {
      const messages = await stream(
        await openFlux(emulator, { eager_eot_threshold: '0.3' }),
        SPEECH.audio,
        bytes,
      );
      seen.add(JSON.stringify(messages.map(({ request_id: _id, ...rest }) => rest)));
    }
    expect(seen.size).toBe(1);
  });

  it('may be long: settled words stay in the transcript', async () => {
    const text = Array.from({ length: 50 }, (_, index) => `word${index}`).join(' ');
    const speech = synthesizeSpeech(text, { container: 'raw' });
    expect(speech.durationSeconds).toBeGreaterThan(15);
    const messages = await stream(await openFlux(emulator), speech.audio, 32_000);
    expect(messages.at(-1)).toMatchObject({ turn_index: 0, transcript: text, audio_window_start: 0 });
  });
});

describe('Flux messages', () => {
  it('Configure changes what it names, and the turns behind it', async () => {
    const client = await openFlux(emulator, { keyterm: 'one', eager_eot_threshold: '0.3' });
    client.socket.send(JSON.stringify({ type: 'Configure', thresholds: { eot_threshold: 0.9 } }));
    client.socket.send(
      JSON.stringify({ type: 'Configure', thresholds: { eot_timeout_ms: 500 }, keyterms: ['two'] }),
    );
    const messages = await stream(client, SPEECH.audio);
    expect(messages[1]).toMatchObject({
      type: 'ConfigureSuccess',
      thresholds: { eager_eot_threshold: 0.3, eot_threshold: 0.9, eot_timeout_ms: 5000 },
      keyterms: ['one'],
    });
    expect(messages[2]).toMatchObject({
      thresholds: { eot_threshold: 0.9, eot_timeout_ms: 500 },
      keyterms: ['two'],
    });
    expect(messages.find(({ event }) => event === 'EndOfTurn')?.trigger).toBe('timeout');
  });

  it.each([
    { thresholds: { eot_threshold: 0.4 } },
    { thresholds: { eager_eot_threshold: 0.95 } },
    { thresholds: { eager_eot_threshold: 0.8 } },
    { thresholds: { eot_timeout_ms: 100 } },
    { thresholds: { eot_threshold: 'high' } },
    { thresholds: 7 },
    { keyterms: [1] },
    { language_hints: ['de'] },
    { numerals: 'yes' },
  ])('ConfigureFailure answers %o, and the stream goes on', async (wrong) => {
    const client = await openFlux(emulator);
    client.socket.send(JSON.stringify({ type: 'Configure', ...wrong }));
    const messages = await stream(client, SPEECH.audio);
    expect(messages[1]).toMatchObject({ type: 'ConfigureFailure', sequence_id: 1 });
    expect(changes(messages)).toContain('EndOfTurn: well hello big world');
  });

  it('ForceEndTurn ends the turn that is open, and nothing where there is none', async () => {
    const client = await openFlux(emulator);
    client.socket.send('{"type":"ForceEndTurn"}');
    const inPause = Math.round(((SPEECH.words[1]?.end ?? 0) + 0.2) * 16_000) * 2;
    client.socket.send(SPEECH.audio.subarray(0, inPause));
    client.socket.send('{"type":"ForceEndTurn"}');
    client.socket.send('{"type":"ForceEndTurn"}');
    const messages = await stream(client, SPEECH.audio.subarray(inPause));
    const ends = messages.filter(({ event }) => event === 'EndOfTurn');
    expect(ends.map(({ trigger, transcript, turn_index }) => [trigger, transcript, turn_index])).toEqual([
      ['manual', 'well hello', 0],
      ['model', 'big world', 1],
    ]);
    expect(ends[0]?.audio_window_end).toBeCloseTo(inPause / 32_000, 3);
    expect(messages.at(-1)).toMatchObject({ turn_index: 2, transcript: 'good bye' });
  });

  it('language hints are for the multilingual model', async () => {
    const client = await openFlux(emulator, { model: 'flux-general-multi', language_hint: 'de' });
    client.socket.send(JSON.stringify({ type: 'Configure', language_hints: ['fr', 'en'] }));
    const messages = await stream(client, SPEECH.audio);
    expect(messages[1]).toMatchObject({ type: 'ConfigureSuccess', language_hints: ['fr', 'en'] });
    expect(messages.at(-1)).toMatchObject({ event: 'Update', languages_hinted: ['fr', 'en'] });
  });

  it.each(['{"type":"KeepAlive"}', '{"type":"Finalize"}', 'hello', '[]', 'null'])(
    'the text %s is a fatal Error',
    async (text) => {
      const client = await openFlux(emulator);
      client.socket.send(text);
      expect((await client.closed).code).toBe(1008);
      expect(client.messages[1]).toMatchObject({
        type: 'Error',
        sequence_id: 1,
        code: 'UNPARSABLE_CLIENT_MESSAGE',
        description: expect.stringMatching(/\w/),
      });
    },
  );

  it('a stream without audio ends with NET-0001, unless it pings', async () => {
    const clock = createFakeClock();
    await emulator.close();
    emulator = await startDeepgramEmulator({ clock });
    const silent = await openFlux(emulator);
    await clock.advance(9000);
    const pinging = await openFlux(emulator);
    await clock.advance(990);
    const answered = new Promise((resolve) => pinging.socket.once('pong', resolve));
    pinging.socket.ping();
    await answered;
    await clock.advance(9100);
    expect(await silent.closed).toMatchObject({ code: 1011, reason: expect.stringMatching(/NET-0001/) });
    expect(silent.messages.at(-1)).toMatchObject({ type: 'Error', code: 'NET-0001' });
    await stream(pinging, SPEECH.audio);
    expect((await pinging.closed).code).toBe(1005);
  });

  it('what is no audio ends with 1008', async () => {
    const plain = new WebSocket(`${emulator.wsUrl}/v2/listen?model=flux-general-en`, {
      headers: { authorization: 'Token test-key' },
    });
    const code = new Promise((resolve) => plain.on('close', resolve));
    plain.on('open', () => plain.send(new Uint8Array(4000).fill(7)));
    expect(await code).toBe(1008);
  });

  it('a recognizer that fails ends the stream with NET-0000', async () => {
    await emulator.close();
    emulator = await startDeepgramEmulator({ recognizer: () => Promise.reject(new Error('deaf')) });
    const client = await openFlux(emulator);
    client.socket.send(SPEECH.audio);
    expect(await client.closed).toMatchObject({ code: 1011, reason: expect.stringMatching(/NET-0000/) });
  });
});

describe('the Flux handshake', () => {
  it.each([
    ['another model', FLUX.replace('flux-general-en', 'nova-3'), 400],
    ['no model', FLUX.replace('model=flux-general-en&', ''), 400],
    ['encoding without sample_rate', FLUX.replace('&sample_rate=16000', ''), 400],
    ['two channels', `${FLUX}&channels=2`, 400],
    ['interim_results', `${FLUX}&interim_results=true`, 400],
    ['an eot_threshold out of bounds', `${FLUX}&eot_threshold=0.4`, 400],
    ['an eager_eot_threshold that is no number', `${FLUX}&eager_eot_threshold=soon`, 400],
    ['an eager_eot_threshold above eot_threshold', `${FLUX}&eager_eot_threshold=0.8`, 400],
    ['an eot_timeout_ms out of bounds', `${FLUX}&eot_timeout_ms=100`, 400],
    ['a language hint for the English model', `${FLUX}&language_hint=de`, 400],
  ])('is refused for %s', async (_name, path, status) => {
    const refused = await refusedLive(emulator, path);
    expect(refused.status).toBe(status);
    expect(refused.headers['dg-error']).toMatch(/\w/);
  });

  it('is refused without credentials', async () => {
    expect((await refusedLive(emulator, FLUX, {})).status).toBe(401);
  });
});

it('the official SDK streams to Flux', async () => {
  const { url, wsUrl } = emulator;
  const client = new DeepgramClient({
    apiKey: 'key',
    environment: { base: url, production: wsUrl, agent: wsUrl, agentRest: url },
  });
  const socket = await client.listen.v2.connect({
    model: 'flux-general-en',
    encoding: 'linear16',
    sample_rate: 16_000,
    eager_eot_threshold: 0.3,
    Authorization: 'Token key',
    reconnectAttempts: 0,
  });
  const seen: string[] = [];
  socket.on('message', (message) => {
    if (message.type !== 'TurnInfo') seen.push(message.type);
    else if (message.event !== 'Update') seen.push(message.event);
    if (message.type === 'TurnInfo' && message.event === 'EndOfTurn') seen.push(message.transcript);
  });
  const closed = new Promise<number>((resolve) => socket.on('close', ({ code }) => resolve(code)));
  socket.connect();
  await socket.waitForOpen();
  socket.sendConfigure({ type: 'Configure', thresholds: { eot_threshold: 0.8 } });
  for (const frame of framesOf(SPEECH.audio, 2560)) socket.sendMedia(frame);
  socket.sendCloseStream({ type: 'CloseStream' });
  expect(await closed).toBe(1005);
  expect(seen).toEqual([
    'Connected',
    'ConfigureSuccess',
    'StartOfTurn',
    'EagerEndOfTurn',
    'TurnResumed',
    'EagerEndOfTurn',
    'EndOfTurn',
    'well hello big world',
    'StartOfTurn',
  ]);
});
