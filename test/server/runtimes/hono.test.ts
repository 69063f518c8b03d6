import { Hono } from 'hono';
import { createHandlers } from 'transcription-client/http';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, it } from 'vitest';
import { clientOf } from '../../support/client.js';

it('the handlers answer below a path of Hono', async () => {
  await using emulator = await startDeepgramEmulator();
  await using client = clientOf(emulator.url);
  const handlers = createHandlers(client, {
    basePath: '/api',
    authorize: ({ headers }) => (headers.get('authorization') === 'Bearer ada' ? { userId: 'ada' } : null),
  });
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('x-served-by', 'hono');
  });
  app.all('/api/*', (context) => handlers.fetch(context.req.raw));
  app.get('/', (context) => context.text('home'));

  const headers = { authorization: 'Bearer ada', 'content-type': 'audio/wav' };
  const body = synthesizeSpeech('through hono').audio as Uint8Array<ArrayBuffer>;
  const answer = await app.request('/api/transcribe?mode=sync', { method: 'POST', headers, body });
  expect(await answer.json()).toMatchObject({ mode: 'sync', transcript: { text: 'through hono' } });
  expect(answer.headers.get('x-served-by')).toBe('hono');
  expect((await app.request('/api/jobs/job_1')).status).toBe(401);
  expect((await app.request('/api/transcribe', { headers })).headers.get('allow')).toBe('POST, OPTIONS');
  expect((await app.request('/api/health', { method: 'HEAD' })).status).toBe(200);
  expect(await (await app.request('/')).text()).toBe('home');
});
