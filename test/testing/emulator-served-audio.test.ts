import { type DeepgramEmulator, startDeepgramEmulator } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

let emulator: DeepgramEmulator;
let url: string;
beforeAll(async () => {
  emulator = await startDeepgramEmulator();
  url = emulator.serveAudio(BYTES, { contentType: 'audio/ogg' });
});
afterAll(() => emulator.close());

async function get(headers: Record<string, string>, method = 'GET', from = url) {
  const response = await fetch(from, { method, headers });
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

describe('audio that is served', () => {
  it.each<[range: string, from: number, to: number]>([
    ['bytes=0-', 0, 999],
    ['bytes=0-0', 0, 0],
    ['bytes=250-499', 250, 499],
    ['bytes=990-', 990, 999],
    ['bytes=990-5000', 990, 999],
    ['bytes=-10', 990, 999],
    ['bytes=-5000', 0, 999],
    ['Bytes=5-6', 5, 6],
  ])('answers %s with that part', async (range, from, to) => {
    const { response, bytes } = await get({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to}/1000`);
    expect(response.headers.get('content-length')).toBe(String(to - from + 1));
    expect(response.headers.get('content-type')).toBe('audio/ogg');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(bytes).toEqual(BYTES.slice(from, to + 1));
    expect(emulator.requests.at(-1)?.status).toBe(206);
  });

  it.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0'])(
    'answers %s, where there is nothing, with 416',
    async (range) => {
      const { response, bytes } = await get({ range });
      expect(response.status).toBe(416);
      expect(response.headers.get('content-range')).toBe('bytes */1000');
      expect(bytes).toHaveLength(0);
    },
  );

  it.each([
    {},
    { range: 'bytes=0-1,5-6' },
    { range: 'bytes=9-5' },
    { range: 'bytes=-' },
    { range: 'bytes=a-b' },
    { range: 'seconds=0-1' },
    // It may have changed since, for all that is known of it.
    { range: 'bytes=0-1', 'if-range': '"former"' },
  ])('answers %o with all of it', async (headers) => {
    const { response, bytes } = await get(headers as Record<string, string>);
    expect(response.status).toBe(200);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.has('content-range')).toBe(false);
    expect(bytes).toEqual(BYTES);
  });

  it.each([{}, { range: 'bytes=0-9' }])(
    'answers HEAD with the length of all of it, with %o',
    async (headers) => {
      const { response, bytes } = await get(headers as Record<string, string>, 'HEAD');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-length')).toBe('1000');
      expect(response.headers.get('accept-ranges')).toBe('bytes');
      expect(bytes).toHaveLength(0);
    },
  );

  it('has no part of what is empty', async () => {
    const empty = emulator.serveAudio(new Uint8Array());
    expect((await get({ range: 'bytes=0-' }, 'GET', empty)).response.status).toBe(416);
    expect((await get({ range: 'bytes=-5' }, 'GET', empty)).response.status).toBe(416);
    expect((await get({}, 'GET', empty)).response.status).toBe(200);
  });
});
