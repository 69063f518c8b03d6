import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type FaultServer, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';
import { post } from './emulator-http-client.js';

const WAV = synthesizeSpeech('hello').audio;
const RETRY_MS = 30_000;

let clock: ManualClock;
let emulator: DeepgramEmulator;
beforeEach(async () => {
  clock = new ManualClock();
  emulator = await startDeepgramEmulator({ clock });
});
afterEach(() => emulator.close());

async function submit(url: string): Promise<void> {
  const { status } = await post(emulator, `/v1/listen?${new URLSearchParams({ callback: url })}`, WAV);
  expect(status).toBe(200);
}

/** Waits until so many attempts were made. */
function attempts(count: number): Promise<void> {
  return vi.waitFor(() => expect(emulator.journal.callbacks).toHaveLength(count));
}

/** Answers with one status after the other; undefined breaks the connection. */
function receiver(...statuses: (number | undefined)[]): Promise<FaultServer> {
  return startHttpServer((request, response, count) => {
    const status = statuses[Math.min(count, statuses.length) - 1];
    request.resume().on('end', () => {
      if (status === undefined) request.socket.destroy();
      else response.writeHead(status, { ...(status === 302 && { location: '/other' }) }).end();
    });
  });
}

it('a callback is tried again every 30 seconds until it is taken', async () => {
  await using server = await receiver(500, undefined, 302, 201);
  const begin = clock.wallMs();
  await submit(`${server.url.replace('://', '://user:secret@')}/hook?a=1`);
  for (let attempt = 1; attempt < 4; attempt += 1) {
    await attempts(attempt);
    await clock.advance(RETRY_MS - 1);
    expect(server.requests).toHaveLength(attempt);
    await clock.advance(1);
  }
  await attempts(4);
  expect(clock.pendingTimers).toBe(0);
  const requestId = emulator.requests[0]?.requestId;
  expect(emulator.journal.callbacks).toEqual(
    [500, undefined, 302, 201].map((status, index) => ({
      requestId,
      url: `${server.url}/hook?a=1`,
      method: 'POST',
      attempt: index + 1,
      at: begin + index * RETRY_MS,
      status,
    })),
  );
  expect(server.requests.map(({ headers }) => headers['dg-request-id'])).toEqual(Array(4).fill(requestId));
});

it('a callback is given up after ten retries', async () => {
  await using server = await receiver(503);
  await submit(server.url);
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    await attempts(attempt);
    await clock.advance(RETRY_MS);
  }
  await attempts(11);
  expect(clock.pendingTimers).toBe(0);
  await clock.advance(10 * RETRY_MS);
  expect(server.requests).toHaveLength(11);
});

it('close() ends the retries', async () => {
  await using server = await receiver(500);
  await submit(server.url);
  await attempts(1);
  expect(clock.pendingTimers).toBe(1);
  await emulator.close();
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(0));
  expect(server.requests).toHaveLength(1);
});

it('a callback comes also where the client did not wait for its acceptance', async () => {
  await using server = await receiver(200);
  emulator.faults.next({ kind: 'reset', when: 'afterUpload' });
  await expect(submit(server.url)).rejects.toThrow();
  await attempts(1);
  expect(emulator.requests[0]).toMatchObject({ outcome: 'broken', words: 1 });
});
