import type { TranscriptionError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { bearer, problemOf, startHttpRig } from './rig.js';

const TEXT = '# TYPE transcription_queue_depth gauge\ntranscription_queue_depth 0\n';

/** Its type is only known once it has been asked, as that of a library that is loaded late. */
function lateSource(metrics: () => Promise<string> = async () => TEXT) {
  const source = {
    contentType: 'text/unknown',
    async metrics() {
      const text = await metrics();
      source.contentType = 'text/plain; version=0.0.4; charset=utf-8';
      return text;
    },
  };
  return source;
}

describe('GET /metrics', () => {
  it('is what the source says, for who has the scope', async () => {
    await using rig = await startHttpRig({ http: { metrics: lateSource() } });
    for (const token of ['ada:metrics', 'admin']) {
      const response = await rig.fetch('/metrics', { headers: bearer(token) });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.text()).toBe(TEXT);
    }
    expect((await rig.fetch('/metrics', { headers: bearer('ada') })).status).toBe(403);
    expect((await rig.fetch('/metrics', { headers: bearer('nobody') })).status).toBe(401);
    expect((await rig.fetch('/metrics', { method: 'POST', headers: bearer('admin') })).status).toBe(405);
  });

  it('is not there without a source', async () => {
    await using rig = await startHttpRig();
    expect((await rig.fetch('/metrics', { headers: bearer('admin') })).status).toBe(404);
  });

  it('is 500 where the source fails, and only the log hears why', async () => {
    const reported: TranscriptionError[] = [];
    const metrics = lateSource(() => Promise.reject(new Error('CANARY at 10.0.0.1')));
    await using rig = await startHttpRig({ http: { metrics, onError: (error) => reported.push(error) } });
    const response = await rig.fetch('/metrics', { headers: bearer('admin') });
    expect(response.status).toBe(500);
    expect(JSON.stringify(await problemOf(response))).not.toContain('CANARY');
    expect(reported).toMatchObject([{ code: 'internal', cause: { message: 'CANARY at 10.0.0.1' } }]);
  });
});
