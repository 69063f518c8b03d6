import {
  BadRequestError,
  type ClientOptions,
  type StreamOptions,
  TranscriptionClient,
} from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { settleStream } from '../../src/call-options.js';
import type { AudioStore } from '../../src/contracts/index.js';
import { FLUX_OPTIONS, LIVE_OPTIONS } from '../../src/deepgram/option-table.js';
import { resolveOptions } from '../../src/options.js';
import { resolveRegions } from '../../src/region-options.js';
import { settleRecovery } from '../../src/stream-recovery.js';
import { otherRegions } from '../../src/stream-session.js';

const client = new TranscriptionClient({ apiKey: 'test' });
const FLUX = { model: 'flux-general-en' };
const audioStore = {
  capabilities: {},
  put: async () => 'ref',
  open: async () => undefined,
  delete: async () => undefined,
} as unknown as AudioStore;

const settled = (options: StreamOptions, clientOptions: ClientOptions = {}) =>
  settleStream(options, resolveOptions(clientOptions));

function refusal(options: object): BadRequestError {
  try {
    client.stream(options as StreamOptions).abort();
  } catch (error) {
    if (error instanceof BadRequestError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was taken.`);
}

describe('options of one protocol are refused by the other', () => {
  const v1Alone = Object.keys(LIVE_OPTIONS).filter((key) => !(key in FLUX_OPTIONS) && key !== 'channels');
  const fluxAlone = Object.keys(FLUX_OPTIONS).filter((key) => !(key in LIVE_OPTIONS));

  it('of which there are some', () => {
    expect(v1Alone).toEqual(
      expect.arrayContaining([
        'interim_results',
        'smart_format',
        'endpointing',
        'utterance_end_ms',
        'vad_events',
        'multichannel',
        'diarize',
        'language',
      ]),
    );
    expect(fluxAlone.sort()).toEqual([
      'eager_eot_threshold',
      'eot_threshold',
      'eot_timeout_ms',
      'language_hint',
    ]);
  });

  it.each(v1Alone)('a Flux model does not take %s', (name) => {
    for (const value of [true, false, 1000, 'x']) {
      const error = refusal({ ...FLUX, [name]: value });
      expect(error.code).toBe('invalid_option');
      expect(error.message).toContain(`The option ${name} is not taken by the model 'flux-general-en'`);
      expect(error.message).toContain('use a nova model');
    }
    expect(() => settled({ ...FLUX, [name]: undefined })).not.toThrow();
  });

  it.each(fluxAlone)('another model does not take %s', (name) => {
    for (const model of ['nova-3', 'whisper-large', undefined]) {
      const error = refusal({ model, [name]: name === 'language_hint' ? 'es' : 0.7 });
      expect(error.code).toBe('invalid_option');
      expect(error.message).toContain(name);
      expect(error.message).toMatch(/[Ff]lux/);
    }
  });

  it('callback is unknown to both', () => {
    for (const model of ['nova-3', 'flux-general-en']) {
      expect(refusal({ model, callback: 'https://x.test' })).toMatchObject({ code: 'unknown_option' });
    }
  });

  it('language hints need the model of several languages', () => {
    expect(refusal({ ...FLUX, language_hint: 'es' }).message).toContain('flux-general-multi');
  });

  it('transcribe() and enqueue() take none of Flux', async () => {
    for (const method of ['transcribe', 'enqueue'] as const) {
      const options = { eot_threshold: 0.7 } as object;
      await expect(client[method](new Uint8Array([1]), options)).rejects.toMatchObject({
        code: 'unknown_option',
      });
    }
  });
});

describe('values that are out of range', () => {
  it.each([
    [{ eot_threshold: 0.49 }, /eot_threshold must be a number from 0.5 to 1, and is 0.49/],
    [{ eot_threshold: 1.01 }, /eot_threshold/],
    [{ eot_threshold: '0.7' }, /eot_threshold/],
    [{ eager_eot_threshold: 0.29 }, /eager_eot_threshold must be a number from 0.3 to 0.9/],
    [{ eager_eot_threshold: 0.91, eot_threshold: 1 }, /eager_eot_threshold/],
    [{ eager_eot_threshold: 0.8 }, /eager_eot_threshold must be at most eot_threshold \(0.7\)/],
    [{ eager_eot_threshold: 0.6, eot_threshold: 0.5 }, /at most eot_threshold \(0.5\)/],
    [{ eot_timeout_ms: 499 }, /eot_timeout_ms must be a whole number from 500 to 60000/],
    [{ eot_timeout_ms: 60_001 }, /eot_timeout_ms/],
    [{ eot_timeout_ms: 700.5 }, /eot_timeout_ms/],
    [{ model: 'flux-general-multi', language_hint: [] }, /language_hint/],
    [{ model: 'flux-general-multi', language_hint: ['en', ''] }, /language_hint/],
    [{ channels: 2 }, /channels must be a whole number from 1 to 1/],
    [{ channels: 0 }, /channels/],
    [{ channels: '1' }, /channels/],
    [{ encoding: 'linear16' }, /encoding and sample_rate need each other/],
    [{ sample_rate: 16_000 }, /encoding and sample_rate need each other/],
    [{ encoding: 'linear16', sample_rate: '16000' }, /sample_rate must be a whole number/],
    [{ encoding: 'linear16', sample_rate: Number.NaN }, /sample_rate/],
  ])('Flux: %j', (options, message) => {
    const error = refusal({ ...FLUX, ...options });
    expect(error.code).toBe('invalid_option');
    expect(error.message).toMatch(message);
  });

  it('two channels in the defaults are no less than two channels', () => {
    const defaults = { channels: 2 };
    expect(() => settled(FLUX, { defaults })).toThrow(/channels must be a whole number from 1 to 1/);
    expect(settled({}, { defaults }).parameters).toMatchObject({ channels: 2 });
  });

  it.each([
    [{ encoding: 'linear16' }, /encoding and sample_rate need each other/],
    [{ encoding: 'ogg-opus' }, /encoding and sample_rate need each other/],
    [{ sample_rate: 16_000 }, /encoding and sample_rate need each other/],
    [{ encoding: 'linear16', sample_rate: '16000' }, /sample_rate must be a whole number/],
    [{ encoding: 'linear16', sample_rate: Number.NaN }, /sample_rate/],
    [{ encoding: 'linear16', sample_rate: 0 }, /sample_rate/],
    [{ encoding: 'linear16', sample_rate: null }, /sample_rate/],
    [{ encoding: '', sample_rate: 8000 }, /encoding/],
    [{ reconnect: 1 }, /reconnect must be true, false or an object/],
    [{ reconnect: null }, /reconnect/],
    [{ reconnect: { giveUpAfterMs: 0 } }, /reconnect.giveUpAfterMs must be a whole number of 1 or more/],
    [{ reconnect: { giveUpAfterMs: '5' } }, /reconnect.giveUpAfterMs/],
    [{ reconnect: { maxDelayMs: -1 } }, /reconnect.maxDelayMs/],
    [{ reconnect: { maxDelayMs: Number.POSITIVE_INFINITY } }, /reconnect.maxDelayMs/],
    [{ replaySeconds: -1 }, /replaySeconds must be a number from 0 to 600/],
    [{ replaySeconds: 601 }, /replaySeconds/],
    [{ replaySeconds: '30' }, /replaySeconds/],
    [{ repair: true }, /repair must be false, 'sync' or 'queue'/],
    [{ repair: 'later' }, /repair/],
    [{ repair: null }, /repair/],
  ])('%j', (options, message) => {
    const error = refusal(options);
    expect(error.code).toBe('invalid_option');
    expect(error.message).toMatch(message);
  });

  it('unknown parts of reconnect are named', () => {
    const error = refusal({ reconnect: { giveUpAfter: 5 } });
    expect(error).toMatchObject({ code: 'unknown_option' });
    expect(error.message).toContain('Did you mean giveUpAfterMs?');
  });

  it('submit() refuses them in every mode', async () => {
    for (const options of [{ replaySeconds: 601 }, { reconnect: 5 }, { repair: 'x' }, { eot_threshold: 2 }]) {
      for (const mode of ['sync', 'async', 'stream'] as const) {
        const submitted = client.submit(new Uint8Array([1]), { ...options, mode } as object);
        await expect(submitted).rejects.toMatchObject({ code: 'invalid_option' });
      }
    }
  });
});

describe('what a stream is made of', () => {
  it('by default', () => {
    expect(settled({})).toMatchObject({
      protocol: 'v1',
      model: 'nova-3',
    });
    expect(settled(FLUX)).toMatchObject({ protocol: 'flux', model: 'flux-general-en' });
    expect(settled({}, { defaults: FLUX })).toMatchObject({ protocol: 'flux' });
    expect(settled({ model: 'nova-2' }, { defaults: FLUX })).toMatchObject({ protocol: 'v1' });
  });

  it('as far as it is set', () => {
    const reconnect = { giveUpAfterMs: 900_000, maxDelayMs: 5000 };
    expect(settleRecovery({}, undefined)).toEqual({ reconnect, replaySeconds: 30, repair: false });
    expect(settleRecovery({ reconnect: true, replaySeconds: 0 }, undefined)).toMatchObject({
      reconnect,
      replaySeconds: 0,
    });
    expect(settleRecovery({ reconnect: { maxDelayMs: 50 } }, undefined).reconnect).toEqual({
      giveUpAfterMs: 900_000,
      maxDelayMs: 50,
    });
    expect(settleRecovery({ reconnect: false }, undefined).reconnect).toBe(false);
  });

  it('repairs with the audio store of the client, and not without', () => {
    expect(settleRecovery({}, audioStore).repair).toBe('sync');
    expect(settleRecovery({ repair: 'queue' }, audioStore).repair).toBe('queue');
    expect(settleRecovery({ repair: false }, audioStore).repair).toBe(false);
    expect(() => settled({ repair: 'queue' }, { audioStore })).not.toThrow();
    for (const repair of ['sync', 'queue'] as const) {
      expect(refusal({ repair }).message).toMatch(/with an audioStore/);
    }
  });

  it('goes on in other regions of its residency alone', () => {
    const regions = [
      { name: 'us', endpoint: 'https://us.test' },
      { name: 'eu-1', endpoint: 'https://eu1.test', residency: 'eu' },
      { name: 'other-us', endpoint: 'https://us2.test' },
      { name: 'eu-2', endpoint: 'https://eu2.test', residency: 'eu' },
      { name: 'in', endpoint: 'https://in.test', residency: 'in' },
      { name: 'eu-3', endpoint: 'https://eu3.test', residency: 'eu' },
    ];
    const resolved = resolveRegions(regions);
    const others = (region?: string) =>
      otherRegions(settled(region === undefined ? {} : { region }, { regions }).region, resolved).map(
        ({ name }) => name,
      );
    expect(others()).toEqual([]);
    expect(others('other-us')).toEqual([]);
    expect(others('in')).toEqual([]);
    expect(others('eu-2')).toEqual(['eu-1', 'eu-3']);
  });
});
