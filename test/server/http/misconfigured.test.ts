import { QueueError, type TranscriptionError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { type HttpRigOptions, problemOf, startHttpRig, wavOf } from './rig.js';

/** A rig whose handlers tell what they answer with 500 or more. */
async function rigOf(options: HttpRigOptions) {
  const errors: TranscriptionError[] = [];
  const onError = (error: TranscriptionError): void => void errors.push(error);
  const rig = await startHttpRig({ ...options, http: { ...options.http, onError } });
  const audioUrl = rig.emulator.serveAudio(wavOf('hello'));
  return { rig, errors, audioUrl };
}

describe('options of the server that are wrong', () => {
  it.each([
    [{ smart_fromat: true }, /smart_fromat/],
    [{ smart_format: 'yes' }, /smart_format/],
    [{ region: 'nowhere' }, /region/],
    [{ attempts: 0 }, /attempts/],
    [{ callback: 'https://app.test' }, /callback/],
  ])('are the fault of the server, which hears of it: %j', async (callOptions, named) => {
    const { rig, errors, audioUrl } = await rigOf({ http: { callOptions } });
    await using _rig = rig;
    for (const send of [() => rig.post({ audioUrl }), () => rig.upload(wavOf('hello'))]) {
      const response = await send();
      expect(response.status).toBe(500);
      const problem = await problemOf(response);
      expect(problem).toMatchObject({ code: 'internal', detail: expect.not.stringMatching(named) });
      expect(problem.errors).toBeUndefined();
      expect(errors.splice(0)).toEqual([expect.objectContaining({ message: expect.stringMatching(named) })]);
    }
  });

  it('are not its fault where they go badly with options of the request', async () => {
    const http = { callOptions: { keywords: ['seven:2'], model: 'nova-2' }, allowedOptions: ['model'] };
    const { rig, errors, audioUrl } = await rigOf({ http });
    await using _rig = rig;
    expect((await rig.post({ audioUrl })).status).toBe(200);
    expect((await rig.post({ audioUrl, options: { model: 'nova-3' } })).status).toBe(400);
    expect(errors).toEqual([]);
  });

  it('are told apart from audio that workers cannot read', async () => {
    const asked: [TranscriptionError['code'], number][] = [
      ['audio_not_shared', 400],
      ['queue_failed', 503],
      ['queue_misconfigured', 500],
    ];
    for (const [code, status] of asked) {
      const { rig } = await rigOf({});
      await using _rig = rig;
      rig.client.submit = () => Promise.reject(new QueueError('No, says CANARY:6379.', { code }));
      const response = await rig.upload(wavOf('hello'), '?mode=async');
      expect(response.status, code).toBe(status);
      // What depends on the server's own affairs is for its log.
      if (status >= 500) expect(await response.text()).not.toContain('CANARY');
    }
  });

  it('an authorize() that reads the body', async () => {
    const authorize = async (request: Request) => ({ userId: (await request.text()) && 'ada' });
    const { rig, errors, audioUrl } = await rigOf({ http: { authorize } });
    await using _rig = rig;
    for (const send of [() => rig.post({ audioUrl }), () => rig.upload(wavOf('hello'))]) {
      expect((await send()).status).toBe(500);
      expect(errors.splice(0)[0]?.message).toMatch(/request\.clone\(\)/);
    }
    expect(rig.emulator.requests).toEqual([]);
  });
});

describe('deduplicate for all calls', () => {
  it('holds for URLs, and leaves uploads alone', async () => {
    const { rig, audioUrl } = await rigOf({ http: { callOptions: { deduplicate: true } } });
    await using _rig = rig;
    const ids: string[] = [];
    for (let count = 0; count < 2; count += 1) {
      const { transcript } = (await (await rig.post({ audioUrl })).json()) as { transcript: { id: string } };
      ids.push(transcript.id);
      expect((await rig.upload(wavOf('hello'))).status).toBe(200);
    }
    expect(ids[1]).toBe(ids[0]);
    const calls = rig.emulator.requests.filter(({ path }) => path === '/v1/listen');
    expect(calls).toHaveLength(3);
  });
});

describe('the words of an answer', () => {
  it('are for whoever asks, and not for whoever serves', async () => {
    await using rig = await startHttpRig();
    const noUrl = await problemOf(await rig.post({ audioUrl: 'hello' }));
    expect(noUrl.errors).toEqual([{ field: 'audioUrl', message: expect.stringMatching(/^Must be an http/) }]);
    const queued = await problemOf(await rig.upload(wavOf('hello'), '?mode=async'));
    expect(queued).toMatchObject({ status: 400, code: 'unsupported_source' });
    expect(queued.errors).toEqual([
      { field: 'mode', message: expect.stringMatching(/cannot be queued here/) },
    ]);
    for (const { detail } of [noUrl, queued]) expect(detail).not.toMatch(/fromFile|fromStream|audioStore/);
  });

  it('say of audio that cannot be read that it cannot', async () => {
    await using rig = await startHttpRig();
    const response = await rig.upload(new Uint8Array(1000).fill(7));
    expect(await problemOf(response)).toMatchObject({ status: 422, code: 'unprocessable_audio' });
  });
});
