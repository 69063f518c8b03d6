import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../support/manual-clock.js';
import { bearer, problemOf, startHttpRig } from './rig.js';

const { audio } = synthesizeSpeech('the secret of ben');

/** What an answer shows, but for the id of its request. */
async function shown(response: Response): Promise<unknown> {
  const headers = Object.fromEntries(response.headers);
  const { 'x-request-id': _header, ...others } = headers;
  const { requestId: _body, ...problem } = await problemOf(response);
  return { status: response.status, headers: others, problem };
}

/** Of ben: a job that has ended, one that has not, and one transcript of each mode. Of nobody: a job. */
async function startOwned() {
  const deepgramClock = new ManualClock();
  const rig = await startHttpRig({ emulator: { clock: deepgramClock, processingMs: 1000 } });
  const asked = (count: number) =>
    vi.waitFor(() => expect(rig.emulator.requests).toHaveLength(count), { timeout: 10_000 });
  const ended = await rig.client.enqueue(audio, { userId: 'ben' });
  const nobodys = await rig.client.enqueue(audio);
  const transcribed = rig.client.transcribe(audio, { userId: 'ben', store: true });
  await asked(3);
  await deepgramClock.advance(1000);
  const [ofJob, , ofCall] = await Promise.all([ended.result(), nobodys.result(), transcribed]);
  const active = await rig.client.enqueue(audio, { userId: 'ben' });
  await asked(4);
  return { rig, active, jobs: [ended, active, nobodys], transcripts: [ofJob.id, ofCall.id] };
}

describe("another user's", () => {
  it.each([
    ['GET', ''],
    ['HEAD', ''],
    ['DELETE', ''],
    ['GET', '/events'],
  ])('job is not there (%s /jobs/:id%s)', async (method, suffix) => {
    const { rig, active, jobs } = await startOwned();
    await using _ = rig;
    const ask = (id: string) => rig.fetch(`/jobs/${id}${suffix}`, { method });
    const none = await ask(`job_${'0'.repeat(32)}`);
    expect(none.status).toBe(404);
    const expected = method === 'HEAD' ? undefined : await shown(none);
    for (const { id } of jobs) {
      const response = await ask(id);
      expect(response.status).toBe(404);
      if (method !== 'HEAD') expect(await shown(response)).toEqual(expected);
    }
    expect(await active.status()).toMatchObject({ state: 'active' });
    // It is there for its owner.
    expect((await rig.fetch(`/jobs/${active.id}`, { headers: bearer('ben') })).status).toBe(200);
  });

  it.each(['', '.json', '.txt', '.srt', '.vtt', '.pdf'])('transcript is not there (%s)', async (ending) => {
    const { rig, transcripts } = await startOwned();
    await using _ = rig;
    const none = await shown(await rig.fetch(`/transcripts/tr_${'0'.repeat(32)}${ending}`));
    for (const id of transcripts) {
      for (const headers of [{}, { 'if-none-match': '*' }]) {
        const response = await rig.fetch(`/transcripts/${id}${ending}`, { headers });
        expect(response.status).toBe(404);
        expect(await shown(response)).toEqual(none);
      }
      const own = await rig.fetch(`/transcripts/${id}${ending}`, { headers: bearer('ben') });
      expect(own.status).toBe(ending === '.pdf' ? 404 : 200);
    }
  });

  it('place in the limit of streams is not taken by asking for it', async () => {
    await using rig = await startHttpRig({ http: { limits: { maxEventStreams: 1 } } });
    const bens = await rig.client.enqueue(audio, { userId: 'ben' });
    const adas = await rig.client.enqueue(audio, { userId: 'ada' });
    for (let count = 0; count < 3; count += 1) {
      expect((await rig.fetch(`/jobs/${bens.id}/events`)).status).toBe(404);
    }
    const own = await rig.fetch(`/jobs/${adas.id}/events`);
    expect(own.status).toBe(200);
    await own.body?.cancel();
  });

  it('name in other letters is another user', async () => {
    await using rig = await startHttpRig();
    for (const userId of ['Ada', 'ada ', 'ad\u0430', 'ada\u0301']) {
      const job = await rig.client.enqueue(audio, { userId });
      expect((await rig.fetch(`/jobs/${job.id}`)).status).toBe(404);
    }
  });
});
