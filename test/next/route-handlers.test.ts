import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NextApp, startNextApp } from './next-app.js';

const CLIENT = `
import { TranscriptionClient } from 'transcription-client';

// One client for the server. next build loads this without a key.
export const client = new TranscriptionClient({
  regions: [{ name: 'emulator', endpoint: process.env.ENDPOINT ?? 'http://127.0.0.1:9' }],
});

export async function answer(run) {
  try {
    const { text } = await run();
    return Response.json({ text });
  } catch (error) {
    return Response.json({ name: error.name, code: error.code }, { status: 400 });
  }
}
`;

const route = (path: string, source: string): Record<string, string> => ({
  [`app/${path}/route.js`]: `
    import { answer, client } from '../../client.js';
    export const POST = (request) => answer(async () => client.transcribe(${source}));
  `,
});

const speech = synthesizeSpeech('a route handler listens');
const wav = new Uint8Array(speech.audio);

let emulator: Awaited<ReturnType<typeof startDeepgramEmulator>>;
let app: NextApp;

beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  app = await startNextApp(
    {
      'client.js': CLIENT,
      ...route('body', 'request'),
      ...route('form', "(await request.formData()).get('file')"),
      ...route('url', '(await request.json()).url'),
    },
    { ENDPOINT: emulator.url, DEEPGRAM_API_KEY: 'test-key' },
  );
}, 240_000);

afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await emulator.close();
});

async function post(path: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${app.url}/${path}`, { method: 'POST', ...init });
  return { status: response.status, body: await response.json() };
}

const HEARD = { status: 200, body: { text: 'a route handler listens' } };

describe('route handlers of Next.js', () => {
  it('hand over the Request itself', async () => {
    expect(await post('body', { body: wav, headers: { 'content-type': 'audio/wav' } })).toEqual(HEARD);
  });

  it('hand over the Request of a body that comes in pieces', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let start = 0; start < wav.length; start += 10_000) {
          controller.enqueue(wav.slice(start, start + 10_000));
        }
        controller.close();
      },
    });
    const init = { body, duplex: 'half', headers: { 'content-type': 'audio/wav' } } as RequestInit;
    expect(await post('body', init)).toEqual(HEARD);
  });

  it('hand over a File of formData()', async () => {
    const form = new FormData();
    form.set('file', new File([wav], 'sprache-ä.wav', { type: 'audio/wav' }));
    expect(await post('form', { body: form })).toEqual(HEARD);
  });

  it('hand over a URL', async () => {
    const url = emulator.serveAudio(speech.audio, { contentType: 'audio/wav' });
    expect(await post('url', { body: JSON.stringify({ url }) })).toEqual(HEARD);
  });

  it.each([
    ['body', { body: '', headers: { 'content-type': 'audio/wav' } }, 'empty_source'],
    ['body', { body: '{}', headers: { 'content-type': 'application/json' } }, 'unsupported_source'],
    ['form', { body: new FormData() }, 'unsupported_source'],
    ['url', { body: '{"url":"/etc/passwd"}' }, 'not_a_url'],
    ['url', { body: '{"url":{"path":"/etc/passwd"}}' }, 'unsupported_source'],
  ])('answer wrong input with a typed error: %s %o', async (path, init, code) => {
    expect(await post(path, init)).toMatchObject({ status: 400, body: { code } });
  });
});
