import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { createRouter } from 'transcription-client/express';
import { createFileAudioStore } from 'transcription-client/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpOptions } from '../../../src/server/http/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { type HttpRig, problemOf, startHttpRig, wavOf } from './rig.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uploads-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Takes uploads for jobs too. */
function startStoringRig(http: Partial<HttpOptions> = {}): Promise<HttpRig> {
  const audioStore = createFileAudioStore({ directory: join(folder, 'audio') });
  return startHttpRig({ http, client: { audioStore } });
}

describe('an upload', () => {
  it.each(['sync', 'async'])('of fewer bytes than it announced is refused: %s', async (mode) => {
    await using storing = await startStoringRig();
    const audio = wavOf('the first words of many');
    const headers = { 'content-length': String(audio.length + 1) };
    const answer = await storing.upload(audio, `?mode=${mode}`, headers);
    expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'broken_body' });
    expect(storing.emulator.requests.filter(({ status }) => status === 200)).toEqual([]);
    expect((await storing.client.jobs.list()).items).toEqual([]);
  });

  it.each(['sync', 'async'])('that stalls is ended: %s', async (mode) => {
    const clock = new ManualClock();
    await using stalling = await startStoringRig({ clock, limits: { uploadIdleTimeoutMs: 5000 } });
    const audio = wavOf('some words and then silence');
    let stalls: () => void = () => undefined;
    const stalled = new Promise<void>((resolve) => (stalls = resolve));
    let step = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          step += 1;
          if (step > 3) return stalls();
          controller.enqueue(audio.subarray(step * 1000, step * 1000 + 1000));
        },
      },
      { highWaterMark: 0 },
    );
    const sending = stalling.upload(body, `?mode=${mode}`);
    await stalled;
    await clock.advance(4999);
    expect(await Promise.race([sending, 'waiting'])).toBe('waiting');
    await clock.advance(1);
    expect(await problemOf(await sending)).toMatchObject({ status: 408, code: 'upload_stalled' });
    expect((await stalling.client.jobs.list()).items).toEqual([]);
    expect(stalling.emulator.requests.filter(({ status }) => status === 200)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that stalls while it is JSON is ended too, after 30 seconds', async () => {
    const clock = new ManualClock();
    await using stalling = await startStoringRig({ clock });
    let reads: () => void = () => undefined;
    const read = new Promise<void>((resolve) => (reads = resolve));
    const body = new ReadableStream<Uint8Array>({ pull: () => reads() }, { highWaterMark: 0 });
    const sending = stalling.upload(body, '', { 'content-type': 'application/json' });
    await read;
    await clock.advance(29_999);
    expect(await Promise.race([sending, 'waiting'])).toBe('waiting');
    await clock.advance(1);
    expect((await sending).status).toBe(408);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that stalls does not leave its connection to the next request', async () => {
    await using rig = await startStoringRig();
    const app = express().use(
      '/api',
      createRouter(rig.client, { authorize: () => ({ userId: 'ada' }), limits: { uploadIdleTimeoutMs: 50 } }),
    );
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    socket.write(
      'POST /api/transcribe HTTP/1.1\r\nhost: x\r\ncontent-type: audio/wav\r\ncontent-length: 5000\r\n\r\nRIFF',
    );
    await once(socket, 'close');
    expect(received).toMatch(/^HTTP\/1.1 408 /);
    expect(received.toLowerCase()).toContain('connection: close');
    await new Promise((resolve) => server.close(resolve));
  });
});
