import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TranscriptionClient } from 'transcription-client';
import { createPagesHandler, type HttpOptions } from 'transcription-client/next';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf } from '../../support/client.js';

const asked: string[] = [];
const options: HttpOptions = {
  basePath: '/api/speech',
  authorize: ({ url, headers }) => {
    asked.push(url);
    return headers.get('cookie') === 'user=ada' ? { userId: 'ada' } : null;
  },
};

let emulator: DeepgramEmulator;
let client: TranscriptionClient;
let server: Server;
let url: string;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  client = clientOf(emulator.url);
  const handle = createPagesHandler(() => client, options);
  server = createServer(async (request, response) => {
    // What Next does to a body where its parser is on.
    if (request.headers['x-parse'] !== undefined) {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
      Object.assign(request, { body });
    }
    await handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await client.close({ timeoutMs: 0 });
  await emulator.close();
});

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url + path, { ...init, headers: { cookie: 'user=ada', ...init.headers } });
}

describe('the handler of the Pages Router', () => {
  it('transcribes the audio of a request', async () => {
    const answer = await ask('/api/speech/transcribe?mode=sync', {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: synthesizeSpeech('sent to a page').audio as Uint8Array<ArrayBuffer>,
    });
    expect(await answer.json()).toMatchObject({ transcript: { text: 'sent to a page' } });
    expect(asked.at(-1)).toBe(`${url}/api/speech/transcribe?mode=sync`);
  });

  it('takes the JSON that Next has read', async () => {
    const body = { audioUrl: emulator.serveAudio(synthesizeSpeech('read by next').audio), mode: 'sync' };
    const answer = await ask('/api/speech/transcribe', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-parse': 'yes' },
      body: JSON.stringify(body),
    });
    expect(await answer.json()).toMatchObject({ transcript: { text: 'read by next' } });
  });

  it('tells of a job as it happens', async () => {
    const job = await client.enqueue(emulator.serveAudio(synthesizeSpeech('a job').audio), { userId: 'ada' });
    const events = await ask(`/api/speech/jobs/${job.id}/events`);
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(await events.text()).toContain('event: completed');
  });

  it('answers everything, whoever asks for what', async () => {
    expect((await ask('/api/speech/nothing')).status).toBe(404);
    expect((await ask('/elsewhere')).status).toBe(404);
    expect((await ask('/api/speech/jobs/job_1', { headers: { cookie: '' } })).status).toBe(401);
    const put = await ask('/api/speech/transcribe', { method: 'PUT', body: 'x' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });
});
