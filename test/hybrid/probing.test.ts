import { statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientEvent, type ClientOptions, fromFile, type SubmitOptions } from 'transcription-client';
import { encodeWav, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';

const SAMPLE_RATE = 8000;
const silence = (seconds: number): Uint8Array<ArrayBuffer> =>
  encodeWav(new Int16Array(seconds * SAMPLE_RATE), { sampleRate: SAMPLE_RATE, channels: 1 });

const LONG_SECONDS = 301;
const long = silence(LONG_SECONDS);
const { audio: short, durationSeconds: shortSeconds } = synthesizeSpeech('a few words');
const PAUSED: ClientOptions = { queue: { autoStart: false } };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'probing-'));
  await writeFile(join(folder, 'long.wav'), long);
  await writeFile(join(folder, 'fake.wav'), 'no audio at all');
});
afterAll(() => rm(folder, { recursive: true }));

describe('audio of a length that nobody told', () => {
  it.each([
    ['a file', () => fromFile(join(folder, 'long.wav'))],
    ['a file below a root', () => fromFile('long.wav', { root: folder })],
    ['bytes', () => long],
    ['a blob', () => new Blob([long])],
  ] as const)('is queued where it is long: %s', async (_what, source) => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, PAUSED);
    expect(await client.submit(source())).toMatchObject({
      mode: 'async',
      decision: { rule: 'long-audio', facts: { durationSeconds: LONG_SECONDS, probed: true } },
    });
  });

  it('is transcribed at once where it is short', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const { decision } = await client.submit(short);
    expect(decision).toMatchObject({ rule: 'short-audio', facts: { probed: true } });
    expect(decision.facts.durationSeconds).toBeCloseTo(shortSeconds, 1);
  });

  it.each([
    [{}, { durationSeconds: 7 }],
    [{}, { live: true }],
    [{}, { mode: 'async' }],
    [{}, { mode: 'stream' }],
    [{ router: { probe: false } }, {}],
  ] as [ClientOptions, SubmitOptions][])('is not read with %j and %j', async (options, call) => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url, { ...PAUSED, ...options });
    const outcome = await client.submit(short, call);
    expect(outcome.decision.facts.probed).toBeUndefined();
    expect(outcome.decision.facts.durationSeconds).toBe(call.durationSeconds);
    if (outcome.mode === 'stream') await outcome.live.finish();
  });

  it('stays unknown where the file is no audio, and the call goes on', async () => {
    await using server = await startAnswering({ status: 400 });
    await using client = clientOf(server.url);
    const routes: ClientEvent[] = [];
    client.on('route', (event) => routes.push(event));
    const error = await failureOf(client.submit(fromFile(join(folder, 'fake.wav'))));
    expect(error.code).toBe('bad_request');
    expect(routes).toMatchObject([{ mode: 'sync', rule: 'otherwise' }]);
  });

  it.each([undefined, 'sync'] as const)('counts for the limits of spend, in mode %s', async (mode) => {
    await using emulator = await startDeepgramEmulator();
    const spend = { maxDurationSeconds: 60, unknownDuration: 'refuse' } as const;
    await using client = clientOf(emulator.url, { spend, router: { asyncAboveSeconds: 1000 } });
    const call: SubmitOptions = mode === undefined ? {} : { mode };
    expect((await client.submit(short, call)).mode).toBe('sync');
    const error = await failureOf(client.submit(long, call));
    expect(error).toMatchObject({ code: 'audio_too_long', message: expect.stringContaining('301 s') });
  });

  it('ends with the signal of the call, and with the client', async () => {
    await using emulator = await startDeepgramEmulator();
    const client = clientOf(emulator.url);
    await client.submit(short);
    expect((await failureOf(client.submit(long, { signal: AbortSignal.abort() }))).code).toBe('aborted');
    await client.close();
    expect((await failureOf(client.submit(long))).code).toBe('client_closed');
  });
});

describe('without the packages that know the formats', () => {
  it('a client says so once', async () => {
    vi.doMock('music-metadata', () => {
      throw new Error('not installed');
    });
    try {
      const answer = { status: 200, body: listenAnswer() };
      await using server = await startAnswering(answer, answer);
      await using client = clientOf(server.url);
      const warnings: ClientEvent[] = [];
      client.on('warning', (event) => warnings.push(event));
      for (let call = 0; call < 2; call += 1) {
        const { decision } = await client.submit(new TextEncoder().encode('fLaC and so on'));
        expect(decision).toMatchObject({ mode: 'sync', rule: 'otherwise' });
      }
      expect(warnings).toEqual([
        { type: 'warning', code: 'probe-unavailable', message: expect.stringContaining('music-metadata') },
      ]);
    } finally {
      vi.doUnmock('music-metadata');
    }
  });
});

describe('what is told of a decision', () => {
  it('holds the size of a file', async () => {
    await using emulator = await startDeepgramEmulator();
    const decide = ({ sizeBytes = 0 }) => (sizeBytes > 100 ? ('async' as const) : undefined);
    await using client = clientOf(emulator.url, { router: { rules: [{ name: 'big', decide }] } });
    const path = join(folder, 'long.wav');
    const outcome = await client.submit(fromFile(path));
    expect(outcome.decision).toMatchObject({ rule: 'big', facts: { sizeBytes: statSync(path).size } });
    // Why a file cannot be read is told by the mode that reads it.
    const missing = await failureOf(client.submit(fromFile(join(folder, 'missing.wav'))));
    expect(missing.code).toBe('file_not_found');
  });

  it('holds neither the URL nor a name of the audio', async () => {
    await using emulator = await startDeepgramEmulator();
    await using client = clientOf(emulator.url);
    const events: ClientEvent[] = [];
    client.on('route', (event) => events.push(event));
    const named = new Blob([short], { type: 'audio/wav; name="secret.wav"' });
    const { decision } = await client.submit(named, { userId: 'u1' });
    expect(decision.facts).toMatchObject({ contentType: 'audio/wav', userId: 'u1' });
    await client.submit(fromFile(join(folder, 'long.wav')), { mode: 'sync' });
    await client.submit('https://user:secret@secret.example.com/secret.wav?secret=1').catch(() => undefined);
    expect(events).toHaveLength(3);
    expect(JSON.stringify([events, decision])).not.toMatch(/secret|long\.wav/);
  });
});
