import { createMemoryStorage, TranscriptionClient, TranscriptionError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { redactText, redactUrl } from '../../src/net/redact.js';
import { failureOf } from '../support/client.js';
import {
  listenAnswer,
  type Reply,
  refusedUrl,
  send,
  startAnswering,
  startHttpServer,
} from '../support/fault-server.js';
import { shown, watchedClient } from '../support/leaks.js';

const KEY = 'CANARY-key-0123456789';
const SIGNED =
  'https://user:CANARY-pass@files.example.test/call.wav?sig=CANARY-signature&x=a\\CANARY#CANARY-hash';
const REPLIES: Record<string, Reply> = {
  'an error that repeats the URL and the key': {
    status: 400,
    body: {
      err_code: 'REMOTE_CONTENT_ERROR',
      err_msg: `cannot fetch ${SIGNED} with Token ${KEY}`,
      request_id: KEY,
    },
  },
  'a plain text error': { status: 503, body: `no: "${SIGNED}", ${KEY}` },
  'an escaped URL in text': { status: 500, body: `no: ${SIGNED.replaceAll('/', '\\/')}` },
  'details that repeat the URL': { status: 403, body: { category: KEY, message: SIGNED, details: SIGNED } },
  'a page': { status: 401, body: `<html>${KEY} ${SIGNED}</html>` },
  'a 200 that is no transcript': {
    status: 200,
    body: { metadata: { request_id: 'r' }, results: { channels: [KEY] } },
  },
  'a redirect': { status: 302, headers: { location: SIGNED } },
};

describe('no secret leaves the client', () => {
  async function observe(endpoint: string, source: string | Uint8Array, secret: 'apiKey' | 'accessToken') {
    const storage = createMemoryStorage();
    const { client, seen } = watchedClient({
      [secret]: KEY,
      regions: [{ name: 'here', endpoint, allowedSources: ['files.example.test'] }],
      storage,
      retry: { attempts: 2, minDelayMs: 1, maxDelayMs: 1 },
    });
    const outcome = await client.transcribe(source).catch((error: unknown) => error);
    const records = await storage.list('transcripts', {});
    const text = `${seen()}\n${shown(records)}`;
    await client.close();
    return { outcome, text };
  }

  it.each(Object.keys(REPLIES))('%s', async (name) => {
    await using server = await startAnswering(REPLIES[name] as Reply);
    for (const secret of ['apiKey', 'accessToken'] as const) {
      const { outcome, text } = await observe(server.url, SIGNED, secret);
      expect(outcome).toBeInstanceOf(TranscriptionError);
      expect(shown(outcome)).not.toContain('CANARY');
      expect(text).not.toContain('CANARY');
    }
  });

  it('a refused connection, a reset and a success', async () => {
    await using reset = await startHttpServer((request) =>
      request.resume().on('end', () => request.socket.resetAndDestroy()),
    );
    await using good = await startHttpServer((request, response) => {
      request.resume().on('end', () => send(response, { status: 200, body: listenAnswer() }));
    });
    for (const endpoint of [await refusedUrl(), reset.url, good.url]) {
      for (const source of [SIGNED, new Uint8Array(3)]) {
        const { outcome, text } = await observe(endpoint, source, 'apiKey');
        if (outcome instanceof Error) expect(shown(outcome)).not.toContain('CANARY');
        expect(text).not.toContain('CANARY');
      }
    }
  });

  it('a record keeps where the audio came from', async () => {
    await using server = await startAnswering({ status: 200, body: listenAnswer() });
    const { text } = await observe(server.url, SIGNED, 'apiKey');
    expect(text).toContain('https://files.example.test/call.wav');
  });

  it('a string that is no URL is not repeated', async () => {
    const client = new TranscriptionClient({ apiKey: KEY });
    const error = await failureOf(client.transcribe('files.example.test/a?sig=CANARY'));
    expect(shown(error)).not.toContain('CANARY');
    await client.close();
  });
});

describe('redactText()', () => {
  it.each([
    ['see https://a.test/b?c=SECRET.', 'see https://a.test/b'],
    ['"wss://u:SECRET@a.test/b", ok', '"wss://a.test/b", ok'],
    ["HTTPS://A.test/b?it's=SECRET", 'https://a.test/b'],
    ['bad http://[SECRET now', 'bad (no URL) now'],
    ['two\n\t lines', 'two lines'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it('is quick and bounded', () => {
    const startedAt = performance.now();
    for (const part of ['x', 'https://', 'http://a?', ' ', '\\/']) {
      expect(redactText(part.repeat(100_000)).length).toBeLessThanOrEqual(300);
    }
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(redactUrl('x'.repeat(100_000))).toBe('(no URL)');
  });
});
