import type { LimitLease, LimitsAdapter } from 'transcription-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';

const AUDIO = new Uint8Array([1, 2, 3]);
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => void process.on('unhandledRejection', onUnhandled));
afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

function limitsOf(release: () => unknown): LimitsAdapter {
  return { acquire: async () => ({ waitedMs: 0, release }) as LimitLease };
}

const startServer = () => startAnswering({ status: 200, body: listenAnswer('paid for') });

describe('a limits adapter that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('gone');
      },
    ],
    ['rejects', () => Promise.reject(new Error('gone'))],
  ])('when release() %s, does not cost the transcript, and is told', async (_name, release) => {
    await using server = await startServer();
    await using client = clientOf(server.url, { limits: limitsOf(release) });
    const codes: string[] = [];
    client.on('warning', ({ code }) => codes.push(code));
    expect((await client.transcribe(AUDIO)).text).toBe('paid for');
    await new Promise(setImmediate);
    expect(codes).toEqual(['limit-not-released']);
    expect(server.requests).toHaveLength(1);
  });

  it('before the call, is named as what failed, after the retries', async () => {
    await using server = await startServer();
    const cause = new Error('gone');
    let asked = 0;
    const acquire = async (): Promise<LimitLease> => {
      asked += 1;
      throw cause;
    };
    await using client = clientOf(server.url, { limits: { acquire } });
    const error = await failureOf(client.transcribe(AUDIO));
    expect(error).toMatchObject({ code: 'internal', retryable: true, ambiguous: false, cause });
    expect(error.message).toMatch(/limits adapter failed/);
    expect(asked).toBe(3);
    expect(server.requests).toHaveLength(0);
  });
});
