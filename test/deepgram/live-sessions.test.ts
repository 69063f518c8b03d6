import { afterEach, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { metadata, results } from '../support/fake-live-transport.js';
import { collect, liveTo } from '../support/live.js';
import { refusedUrl, startTestServer, type TestServer } from '../support/web-socket-server.js';
import { eventually } from './live-log.js';

const SECOND = new Uint8Array(32_000);

let server: TestServer | undefined;

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Answers CloseStream as Deepgram does. */
function endPolitely(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => {
    if (isBinary || JSON.parse(String(data)).type !== 'CloseStream') return;
    socket.send(JSON.stringify(metadata(1)));
    socket.close(1000);
  });
}

test('messages that are broken, unknown or errors are warnings of the session', async () => {
  server = await startTestServer({
    onStream: (socket) => {
      endPolitely(socket);
      socket.send('{');
      socket.send(JSON.stringify({ type: 'Results', channel_index: 'x' }));
      socket.send(JSON.stringify({ type: 'News', n: 1 }));
      socket.send(JSON.stringify({ type: 'News', n: 2 }));
      socket.send(
        JSON.stringify({ type: 'Error', description: 'bad https://a.test/?token=secret', variant: 'X' }),
      );
      socket.send(JSON.stringify(results('still fine')));
    },
  });
  const live = liveTo(server.url);
  await live.send(SECOND.subarray(0, 640));
  expect((await live.finish()).text).toBe('still fine');
  const warnings = (await collect(live)).filter((event) => event.type === 'warning');
  expect(warnings.map(({ code }) => code)).toEqual([
    'invalid_message',
    'invalid_message',
    'unknown_message',
    'provider_message',
  ]);
  expect(JSON.stringify(warnings)).not.toContain('secret');
});

test('no timer and no connection is left after sessions of every end', async () => {
  server = await startTestServer({ onStream: endPolitely });
  const refused = await refusedUrl();
  const timersBefore = timers();
  const finished = liveTo(server.url);
  await finished.send(SECOND);
  await finished.finish();
  const aborted = liveTo(server.url);
  await aborted.opened;
  aborted.abort();
  const failed = liveTo(refused);
  await expect(failed.opened).rejects.toThrow('ECONNREFUSED');
  liveTo(server.url).abort();
  await eventually(() => server?.openConnections()).toBe(0);
  await eventually(timers).toBeLessThanOrEqual(timersBefore);
});
