import { TranscriptionError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { buildWebhookPayload, signWebhook, verifyWebhook } from '../../src/webhooks/index.js';
import { SECRET } from './receiver.js';

const timestamp = '2026-01-02T03:04:05.678Z';
const completed = { jobId: 'job_1', status: 'completed', timestamp, transcriptId: 'tr_1' } as const;
const EMPTY_TEXT = Buffer.byteLength(buildWebhookPayload({ ...completed, text: '' }));

describe('the payload of a webhook', () => {
  it('says how a job ended, and nothing that is not there', () => {
    const metadata = { order: 7, tags: ['a'] };
    expect(JSON.parse(buildWebhookPayload({ ...completed, userId: 'u', metadata, text: 'hello' }))).toEqual({
      type: 'transcription.completed',
      timestamp,
      data: {
        jobId: 'job_1',
        status: 'completed',
        transcriptId: 'tr_1',
        userId: 'u',
        metadata,
        text: 'hello',
      },
    });
    const error = new TranscriptionError('No.', { code: 'timeout' }).toJSON();
    expect(JSON.parse(buildWebhookPayload({ jobId: 'job_1', status: 'failed', timestamp, error }))).toEqual({
      type: 'transcription.failed',
      timestamp,
      data: { jobId: 'job_1', status: 'failed', error },
    });
    const cancelled = { jobId: 'job_1', status: 'cancelled', timestamp, userId: undefined } as const;
    expect(buildWebhookPayload(cancelled)).toBe(
      `{"type":"transcription.cancelled","timestamp":"${timestamp}","data":{"jobId":"job_1","status":"cancelled"}}`,
    );
  });

  it.each([
    ['one byte each', 'a', 1],
    ['two bytes each', 'ü', 2],
    ['three bytes each', '世', 3],
    ['a pair of two units, four bytes', '🎙', 4],
    ['escaped, two bytes each', '"', 2],
    ['escaped, six bytes each', '\u0001', 6],
  ])('holds the text below 20,000 bytes: %s', (_what, character, bytes) => {
    const most = Math.floor((19_999 - EMPTY_TEXT) / bytes);
    const fits = buildWebhookPayload({ ...completed, text: character.repeat(most) });
    expect(Buffer.byteLength(fits)).toBeGreaterThan(19_990);
    expect(Buffer.byteLength(fits)).toBeLessThan(20_000);
    expect(JSON.parse(fits).data.text).toBe(character.repeat(most));
    const tooLong = buildWebhookPayload({ ...completed, text: character.repeat(most + 1) });
    expect(tooLong).toBe(buildWebhookPayload(completed));
  });

  it('counts the metadata, which stays where the text goes', () => {
    const metadata = { note: 'm'.repeat(19_000) };
    const payload = JSON.parse(buildWebhookPayload({ ...completed, metadata, text: 't'.repeat(1000) }));
    expect(payload.data).toEqual({ jobId: 'job_1', status: 'completed', transcriptId: 'tr_1', metadata });
  });

  it('leaves out metadata with which the receiver would refuse it', async () => {
    const longest =
      1_048_576 - Buffer.byteLength(buildWebhookPayload({ ...completed, metadata: { note: '' } }));
    for (const [length, isKept] of [
      [longest, true],
      [longest + 1, false],
    ] as const) {
      const body = buildWebhookPayload({ ...completed, metadata: { note: 'm'.repeat(length) }, text: 'hi' });
      const timestampSeconds = Math.floor(Date.now() / 1000);
      const signature = signWebhook({ id: 'm', timestampSeconds, body, secrets: [SECRET] });
      const headers = {
        'webhook-id': 'm',
        'webhook-timestamp': `${timestampSeconds}`,
        'webhook-signature': signature,
      };
      const event = await verifyWebhook({ headers, body, secret: SECRET });
      expect(event.data.metadata !== undefined).toBe(isKept);
      expect(event.data.text).toBeUndefined();
    }
  });
});
