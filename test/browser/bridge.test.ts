import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { TranscriptionClient } from 'transcription-client';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLiveClient } from '../../src/browser/index.js';
import { createWebSocketBridge, type WebSocketBridge } from '../../src/server/websocket/index.js';
import { clientOf } from '../support/client.js';
import { chunksOf } from '../support/live.js';

const RAW = { encoding: 'linear16', sample_rate: 16_000 } as const;

describe('a live client at the bridge', () => {
  let emulator: DeepgramEmulator;
  let client: TranscriptionClient;
  let bridge: WebSocketBridge;
  let server: Server;
  const sockets = new Set<Duplex>();
  let isDown = false;

  beforeEach(async () => {
    emulator = await startDeepgramEmulator();
    client = clientOf(emulator.url);
    bridge = createWebSocketBridge(client, {
      authorize: ({ headers }) =>
        /\bbearer\.good\b/.test(headers['sec-websocket-protocol'] ?? '') ? { userId: 'ann' } : null,
      resumeMs: 1000,
    });
    server = createServer();
    bridge.attach(server);
    server.on('upgrade', (_request, socket) => {
      if (isDown) socket.destroy();
      else sockets.add(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await bridge.close();
    await client.close();
    await emulator.close();
    await new Promise((resolve) => server.close(resolve));
  });

  function open(token = 'good') {
    const { port } = server.address() as AddressInfo;
    return createLiveClient({
      url: `http://127.0.0.1:${port}/stream`,
      options: { ...RAW, interim_results: true },
      token: () => token,
      giveUpAfterMs: 5000,
    });
  }

  function drop(): void {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  }

  it('loses no word where its connections break, and the server has the transcript', async () => {
    const said = Array.from({ length: 25 }, (_, index) => `word${index}`).join(' ');
    const speech = synthesizeSpeech(said, { container: 'raw' });
    const live = open();
    const finals: string[] = [];
    live.on('final', ({ text }) => finals.push(text));
    let sent = 0;
    for (const chunk of chunksOf(speech.audio, 2560)) {
      await live.send(chunk);
      await pause(5);
      sent += 1;
      if (sent % 37 === 0) drop();
    }
    const transcript = await live.finish();
    expect(transcript?.text).toBe(said);
    expect(finals.filter((text) => text !== '').join(' ')).toBe(said);
    expect((await client.transcripts.list({ userId: 'ann' })).items).toHaveLength(1);
  });

  it('is refused without its token, and tells so in the end', async () => {
    await expect(open('bad').finish()).rejects.toMatchObject({ code: 'network' });
  });

  it('that comes back too late learns that its session has ended', async () => {
    const live = open();
    await live.send(new Uint8Array(3200));
    while (live.state !== 'open') await pause(10);
    isDown = true;
    drop();
    while (bridge.sessions > 0) await pause(50);
    isDown = false;
    await expect(live.finish()).rejects.toMatchObject({ code: 'live_ended' });
  });
});
