import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { TranscriptionClient } from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { describe, expect, it } from 'vitest';
import type { HttpHandlers } from '../../../src/server/http/index.js';
import { send, startHttpServer } from '../../support/fault-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { API_KEY, bearer, problemOf, startHttpRig } from './rig.js';

const POST = { method: 'POST' } as const;

describe('POST /token', () => {
  it('grants a token of Deepgram that lives as long as it is set', async () => {
    const deepgramClock = new ManualClock();
    await using rig = await startHttpRig({
      http: { token: { ttlSeconds: 45 } },
      emulator: { apiKeys: [API_KEY], clock: deepgramClock },
    });
    const response = await rig.fetch('/token', POST);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as { token: string };
    expect(body).toEqual({ token: expect.stringMatching(/.{16}/), expiresInSeconds: 45 });
    await using browser = new TranscriptionClient({
      accessToken: body.token,
      regions: [{ name: 'here', endpoint: rig.emulator.url }],
    });
    expect(await browser.transcribe(synthesizeSpeech('one two').audio)).toMatchObject({ text: 'one two' });
  });

  it('is not there unless it is asked for, and takes POST from who has the scope', async () => {
    await using without = await startHttpRig();
    expect((await without.fetch('/token', POST)).status).toBe(404);
    await using rig = await startHttpRig({ http: { token: {} } });
    const get = await rig.fetch('/token');
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    expect((await rig.fetch('/token', { ...POST, headers: bearer('nobody') })).status).toBe(401);
    expect((await rig.fetch('/token', { ...POST, headers: bearer('ada:read,transcribe') })).status).toBe(403);
    expect((await rig.fetch('/token', { ...POST, headers: bearer('ada:stream') })).status).toBe(200);
  });

  it('is counted for each user', async () => {
    const clock = new ManualClock();
    await using rig = await startHttpRig({ http: { token: {}, clock, limits: { tokensPerMinute: 2 } } });
    const status = async (user: string) =>
      (await rig.fetch('/token', { ...POST, headers: bearer(user) })).status;
    expect([await status('ada'), await status('ada')]).toEqual([200, 200]);
    await clock.advance(20_000);
    const refused = await rig.fetch('/token', POST);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(await problemOf(refused)).toMatchObject({ code: 'rate_limited' });
    expect(await status('ben')).toBe(200);
    await clock.advance(40_000);
    expect(await status('ada')).toBe(200);
    const grants = rig.emulator.requests.filter(({ path }) => path === '/v1/auth/grant');
    expect(grants).toHaveLength(4);
  });

  it('never gives the API key, in no byte of an answer, whatever Deepgram says', async () => {
    await using rig = await startHttpRig({
      http: { token: {}, cors: { origins: ['*'] }, limits: { tokensPerMinute: 100 } },
      emulator: { apiKeys: [API_KEY] },
    });
    const statuses: string[] = [];
    for (const fault of [
      undefined,
      401,
      402,
      403,
      429,
      500,
      'html',
      'null',
      'otherJson',
      'refuse',
    ] as const) {
      if (fault !== undefined) rig.emulator.faults.next(fault as never);
      const bytes = await wireBytes(rig.handlers);
      expect(bytes, String(fault)).not.toContain(API_KEY);
      expect(bytes).not.toContain(Buffer.from(API_KEY).toString('base64'));
      statuses.push(/^HTTP\/1\.1 (\d+)/.exec(bytes)?.[1] ?? '');
    }
    expect(statuses[0]).toBe('200');
    expect(statuses.slice(1)).not.toContain('200');
  });

  it('does not repeat what Deepgram repeats of the request', async () => {
    const repeated: string[] = [];
    await using server = await startHttpServer((request, response) => {
      repeated.push(String(request.headers.authorization));
      const status = [400, 403, 500, 200][repeated.length - 1] ?? 200;
      request
        .resume()
        .on('end', () => send(response, { status, body: { err_code: 'X', err_msg: repeated.at(-1) } }));
    });
    await using rig = await startHttpRig({
      http: { token: {} },
      client: { regions: [{ name: 'here', endpoint: server.url }] },
    });
    for (let count = 0; count < 4; count += 1) {
      const bytes = await wireBytes(rig.handlers);
      expect(bytes).toMatch(/^HTTP\/1\.1 [45]/);
      expect(bytes).not.toContain(API_KEY);
    }
    expect(repeated).toEqual(Array(4).fill(`Token ${API_KEY}`));
  });

  it('is not granted to a key that may not grant, and that is a matter of the server', async () => {
    await using rig = await startHttpRig({ http: { token: {} }, emulator: { apiKeys: ['another-key'] } });
    const response = await rig.fetch('/token', POST);
    expect(response.status).toBe(502);
    expect(await problemOf(response)).toMatchObject({ detail: expect.stringContaining('log of the server') });
  });
});

/** All that a server sends, head and body. */
async function wireBytes(handlers: HttpHandlers): Promise<string> {
  const server = createServer(async (request, response) => {
    const headers = request.headers as Record<string, string>;
    const answer = await handlers.fetch(new Request('http://here/token', { ...POST, headers }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const head = [
    'POST /token HTTP/1.1',
    'host: here',
    'authorization: Bearer ada',
    'origin: https://page.test',
  ];
  socket.write([...head, 'content-length: 0', 'connection: close', '\r\n'].join('\r\n'));
  const bytes = await text(socket);
  await new Promise((resolve) => server.close(resolve));
  return bytes;
}
