import { setTimeout as pause } from 'node:timers/promises';
import { TranscriptionError } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectClient, type DirectClientOptions } from '../../src/browser/index.js';
import type { LiveEvent } from '../../src/contracts/index.js';
import { chunksOf } from '../support/live.js';
import { refusedUrl } from '../support/web-socket-server.js';

const RAW = { encoding: 'linear16', sample_rate: 16_000 } as const;
const SAID = Array.from({ length: 14 }, (_, index) => `word${index}`).join(' ');

describe('a client that goes to Deepgram itself', () => {
  let emulator: DeepgramEmulator;

  beforeEach(async () => {
    emulator = await startDeepgramEmulator();
  });

  afterEach(() => emulator.close());

  function open(options: Partial<DirectClientOptions> = {}) {
    let tokens = 0;
    return createDirectClient({
      endpoint: emulator.url,
      token: async () => `token-${++tokens}`,
      options: { ...RAW, interim_results: true, keyterm: ['one', 'two'] },
      ...options,
    });
  }

  it('takes audio at once, and returns the transcript', async () => {
    const live = open();
    const states: string[] = [];
    live.on('state', ({ state }) => states.push(state));
    const speech = synthesizeSpeech(SAID, { container: 'raw' });
    for (const chunk of chunksOf(speech.audio, 2560)) {
      const reused = Uint8Array.from(chunk);
      void live.send(reused);
      reused.fill(0);
    }
    const transcript = await live.finish();
    expect(transcript.text).toBe(SAID);
    expect(states).toEqual(['open', 'closed']);
    const request = emulator.requests[0];
    expect(request?.path).toMatch(/^\/v1\/listen/);
    expect(JSON.stringify(request)).not.toContain('token-1');
  });

  it.each(['nova-3', 'flux-general-en'])(
    'loses no word where its connections break (%s), and brings a fresh token for each',
    async (model) => {
      const asked: string[] = [];
      emulator.faults.live.next({ kind: 'drop', at: 'midWord' }, 2);
      const live = open({
        options: model === 'nova-3' ? { ...RAW, interim_results: true, model } : { ...RAW, model },
        token: () => {
          asked.push('asked');
          return `token-${asked.length}`;
        },
      });
      const finals: string[] = [];
      live.on('final', ({ text }) => finals.push(text));
      const events: LiveEvent['type'][] = [];
      const all = (async () => {
        for await (const { type } of live) events.push(type);
      })();
      const speech = synthesizeSpeech(SAID, { container: 'raw' });
      for (const chunk of chunksOf(speech.audio, 2560)) {
        await live.send(chunk);
        await pause(10);
      }
      const { text } = await live.finish();
      await all;
      expect(text).toBe(SAID);
      expect(finals.filter((final) => final !== '').join(' ')).toBe(SAID);
      expect(asked).toHaveLength(3);
      expect(events.filter((type) => type === 'reconnected')).toHaveLength(2);
      expect(events.at(-1)).toBe('end');
    },
  );

  it('closes a fatal close with its error, and does not come back', async () => {
    emulator.faults.live.next({ kind: 'close', code: 1008, reason: 'DATA-0000' });
    const live = open();
    void live.send(new Uint8Array(32_000));
    await expect(live.finish()).rejects.toMatchObject({ code: 'unprocessable_audio' });
    expect(emulator.requests).toHaveLength(1);
    expect(live.state).toBe('closed');
  });

  it.each([
    ['an option that nobody knows', { options: { ...RAW, smartFormat: true } as object }, 'unknown_option'],
    ['encoding without a sample rate', { options: { encoding: 'linear16' } }, 'invalid_option'],
    ['an endpoint that is none', { endpoint: 'nowhere' }, 'invalid_option'],
    ['a number out of range', { replaySeconds: -1 }, 'invalid_option'],
    ['a token that cannot travel', { token: () => 'secret token' }, 'invalid_credentials'],
  ])('ends with a typed error for %s', async (_what, options, code) => {
    const live = open(options);
    const error = (await live.finish().catch((reason: unknown) => reason)) as TranscriptionError;
    expect(TranscriptionError.isInstance(error)).toBe(true);
    expect(error.code).toBe(code);
    expect(String(error.stack)).not.toContain('secret');
    expect(live.state).toBe('closed');
    expect(emulator.requests).toHaveLength(0);
  });

  it('ends where nobody answers for too long, and after abort()', async () => {
    const lost = open({ endpoint: await refusedUrl(), giveUpAfterMs: 500 });
    void lost.send(new Uint8Array(3200));
    await expect(lost.finish()).rejects.toMatchObject({ code: 'network' });
    const aborted = open();
    aborted.abort();
    await expect(aborted.finish()).rejects.toMatchObject({ code: 'aborted' });
  });

  it('refuses a key in the place of a supplier of tokens', () => {
    expect(() => open({ token: 'secret-key' as never })).toThrow(/token must be a function/);
    expect(() => open({ token: 'secret-key' as never })).not.toThrow(/secret/);
    expect(() => open({ token: undefined as never })).toThrow(/token/);
  });
});
