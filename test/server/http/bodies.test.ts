import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpRig, problemOf, startHttpRig, wavOf } from './rig.js';

const AUDIO_URL = 'https://audio.test/a.wav';
const LARGE = 'x'.repeat(100_000);

let rig: HttpRig;

beforeEach(async () => {
  rig = await startHttpRig({ http: { limits: { maxJsonBytes: 1_000_000, maxAudioBytes: 1_000_000 } } });
});

afterEach(async () => {
  // What was refused never came as far as Deepgram.
  const { requests } = rig.emulator;
  await rig[Symbol.asyncDispose]();
  expect(requests.filter(({ status }) => status === 200)).toEqual([]);
});

async function refused(
  response: Response,
): Promise<{ readonly code: string; readonly fields: readonly string[] }> {
  const { status, code, errors = [] } = await problemOf(response);
  expect(status).toBe(400);
  return { code, fields: errors.map(({ field }) => field) };
}

describe('a JSON body', () => {
  it.each<[string, object, readonly string[]]>([
    ['no audio', {}, ['audioUrl']],
    ['audio that is no text', { audioUrl: 5 }, ['audioUrl']],
    ['audio that is an object', { audioUrl: { path: '/etc/passwd' } }, ['audioUrl']],
    ['an unknown mode', { audioUrl: AUDIO_URL, mode: 'later' }, ['mode']],
    ['a length below nothing', { audioUrl: AUDIO_URL, audioDuration: -1 }, ['audioDuration']],
    ['a priority of a half', { audioUrl: AUDIO_URL, priority: 0.5 }, ['priority']],
    ['a user that is no text', { audioUrl: AUDIO_URL, userId: 7 }, ['userId']],
    ['metadata that is a list', { audioUrl: AUDIO_URL, metadata: [1] }, ['metadata']],
    ['options that are a text', { audioUrl: AUDIO_URL, options: 'all' }, ['options']],
    ['unknown fields', { audioUrl: AUDIO_URL, url: 'x', signal: {} }, ['url', 'signal']],
    [
      'an option of the wrong kind',
      { audioUrl: AUDIO_URL, options: { punctuate: 'yes' } },
      ['options.punctuate'],
    ],
    ['an option out of range', { audioUrl: AUDIO_URL, options: { utt_split: 100 } }, ['options.utt_split']],
    [
      'several wrong fields at once',
      { mode: 1, audioUrl: '', priority: -1, options: { language: '', numerals: 1 } },
      ['audioUrl', 'mode', 'priority', 'options.language', 'options.numerals'],
    ],
  ])('names what is wrong: %s', async (_what, body, fields) => {
    const problem = await refused(await rig.post(body));
    expect(problem.code).toBe('invalid_request');
    expect([...problem.fields].sort()).toEqual([...fields].sort());
  });

  it.each(['redact', 'diarize', 'multichannel', 'callback', 'tag', 'extra', 'model', 'query', 'summarize'])(
    'says that the option %s is not allowed',
    async (name) => {
      const response = await rig.post({ audioUrl: AUDIO_URL, options: { [name]: 'x' } });
      const { errors } = await problemOf(response);
      expect(errors).toEqual([{ field: `options.${name}`, message: expect.stringContaining('not allowed') }]);
    },
  );

  it.each(['smartFormat', 'userId', 'delivery', 'region', 'signal', 'store', 'webhook'])(
    'says that the option %s is unknown',
    async (name) => {
      const response = await rig.post({ audioUrl: AUDIO_URL, options: { [name]: true } });
      const { errors } = await problemOf(response);
      expect(errors).toEqual([{ field: `options.${name}`, message: expect.stringContaining('Unknown') }]);
    },
  );

  it.each([
    ['__proto__', '{"__proto__":{"isAdmin":true},"audioUrl":"https://audio.test/a"}'],
    ['options.__proto__', '{"audioUrl":"https://audio.test/a","options":{"__proto__":{"isAdmin":true}}}'],
    [
      'options.constructor',
      '{"audioUrl":"https://audio.test/a","options":{"constructor":{"prototype":{"isAdmin":1}}}}',
    ],
    ['metadata.a[1].prototype', '{"audioUrl":"https://audio.test/a","metadata":{"a":[0,{"prototype":{}}]}}'],
    ['metadata.b.c.__proto__', '{"audioUrl":"https://audio.test/a","metadata":{"b":{"c":{"__proto__":[]}}}}'],
  ])('refuses the key %s, and pollutes nothing (S7)', async (field, body) => {
    expect((await refused(await rig.post(body))).fields).toEqual([field]);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['half of it', '{"audioUrl":'],
    ['text after it', '{} {}'],
    ['a number that JSON has not', '{"audioDuration":NaN}'],
  ])('that is no JSON is refused: %s', async (_what, body) => {
    expect((await refused(await rig.post(body))).code).toBe('invalid_json');
  });

  it.each(['null', '[]', '"text"', '5', 'true'])('that is no object is refused: %s', async (body) => {
    expect((await refused(await rig.post(body))).code).toBe('invalid_request');
  });

  it('has its fields in it, and none of them in the query', async () => {
    const send = (query: string) =>
      rig.fetch(`/transcribe${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ audioUrl: AUDIO_URL, audioDuration: 'x' }),
      });
    const { fields } = await refused(await send('?mode=async&punctuate=true&callback=x&trace=7'));
    expect([...fields].sort()).toEqual(['mode', 'punctuate']);
    expect((await refused(await send('?trace=7'))).fields).toEqual(['audioDuration']);
  });

  it('with more fields than there are is refused before they are looked at', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`f${index}`, 1]));
    expect((await refused(await rig.post({ audioUrl: AUDIO_URL, ...many }))).fields).toEqual(['body']);
  });

  it('in another charset than UTF-8 is refused', async () => {
    const send = (type: string) => rig.post({ audioUrl: 1 }, { 'content-type': type });
    expect((await send('application/json; charset=utf-16')).status).toBe(415);
    expect((await send('application/json;charset="latin1"')).status).toBe(415);
    expect((await send('application/json; charset=UTF-8')).status).toBe(400);
  });

  it('that stalls is not waited for once its sender has gone', async () => {
    const controller = new AbortController();
    const body = new ReadableStream<Uint8Array>({});
    const init = { method: 'POST', body, signal: controller.signal };
    const asking = [rig.fetch('/transcribe', { ...init, headers: { 'content-type': 'application/json' } })];
    controller.abort();
    for (const answer of asking) expect((await answer).status).toBeGreaterThanOrEqual(400);
  });

  it('that is no UTF-8 is refused', async () => {
    const response = await rig.fetch('/transcribe', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    });
    expect((await refused(response)).code).toBe('invalid_json');
  });

  it.each([33, 5_000, 100_000])('that is %d deep is refused', async (depth) => {
    const body = `{"audioUrl":"${AUDIO_URL}","metadata":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    expect((await refused(await rig.post(body))).fields[0]).toMatch(/^metadata\.a\[0\]/);
  });

  it.each<[string, object]>([
    ['a value', { audioUrl: LARGE }],
    ['a URL', { audioUrl: `https://audio.test/${LARGE}` }],
    ['a URL of user names', { audioUrl: `https://${'a:b@'.repeat(25_000)}host/` }],
    ['a key', { audioUrl: AUDIO_URL, [LARGE]: 1 }],
    ['a key of the options', { audioUrl: AUDIO_URL, options: { [LARGE]: 1 } }],
    ['an option', { audioUrl: AUDIO_URL, options: { language: LARGE } }],
    ['a list', { audioUrl: AUDIO_URL, options: { language: Array.from({ length: 50_000 }, () => 1) } }],
    ['a webhook', { audioUrl: AUDIO_URL, webhook: { url: `https://${LARGE}` } }],
    [
      'many keys',
      {
        audioUrl: AUDIO_URL,
        options: Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [`k${key}`, 1])),
      },
    ],
    ['a key for idempotency', { audioUrl: AUDIO_URL, idempotencyKey: LARGE }],
  ])('of 100,000 characters is answered within 20 ms: %s (S7)', async (_what, body) => {
    const text = JSON.stringify(body);
    // The best of several: what the machine does meanwhile is no matter of the input.
    let best = Number.POSITIVE_INFINITY;
    let answer = '';
    for (let count = 0; count < 10 && best >= 20; count += 1) {
      const started = performance.now();
      const response = await rig.post(text);
      best = Math.min(best, performance.now() - started);
      expect(response.status).toBe(400);
      answer = await response.text();
    }
    expect(best).toBeLessThan(20);
    expect(answer.length).toBeLessThan(10_000);
  });

  it.each(['gzip', 'br', 'deflate, gzip'])('that is compressed is refused: %s', async (encoding) => {
    const response = await rig.post({ audioUrl: AUDIO_URL }, { 'content-encoding': encoding });
    expect(response.status).toBe(415);
  });

  it('is refused with 413 above the limit, by its announcement and by what comes (S6)', async () => {
    const announced = await rig.post('{}', { 'content-length': '1000001' });
    expect(announced.status).toBe(413);
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls += 1;
        controller.enqueue(new Uint8Array(100_000).fill(32));
      },
    });
    const headers = { 'content-type': 'application/json' };
    const endless = await rig.fetch('/transcribe', { method: 'POST', headers, body });
    expect(endless.status).toBe(413);
    expect(pulls).toBeLessThan(15);
  });

  it.each(['http://10.0.0.1/a', 'http://169.254.169.254/', 'http://[::ffff:10.0.0.1]/', 'http://u@127.1/'])(
    'with a URL into a private network makes no job: %s',
    async (audioUrl) => {
      expect((await refused(await rig.post({ audioUrl, mode: 'async' }))).fields).toEqual(['audioUrl']);
      expect((await rig.client.jobs.list()).items).toEqual([]);
    },
  );

  it.each(['sync', 'async'])('with half a character in an option is refused: %s', async (mode) => {
    const body = { audioUrl: AUDIO_URL, mode, options: { language: '\ud800' } };
    expect((await refused(await rig.post(body))).fields).toEqual(['options.language']);
    expect((await rig.client.jobs.list()).items).toEqual([]);
  });

  it('that breaks off is refused', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"audioUrl":'));
      },
      pull(controller) {
        controller.error(new Error('gone'));
      },
    });
    const headers = { 'content-type': 'application/json' };
    const response = await rig.fetch('/transcribe', { method: 'POST', headers, body });
    expect((await refused(response)).code).toBe('broken_body');
  });
});

describe('the media type', () => {
  it.each([
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/xml',
    'jsonapplication/json',
    'audio',
  ])('is refused with 415: %s', async (type) => {
    const response = await rig.post({ audioUrl: AUDIO_URL }, { 'content-type': type });
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-post')).toContain('application/json');
  });

  it('is needed', async () => {
    const body = new Uint8Array([1, 2, 3]);
    expect((await rig.fetch('/transcribe', { method: 'POST', body })).status).toBe(415);
    expect((await rig.fetch('/transcribe', { method: 'POST' })).status).toBe(415);
  });
});

describe('the query of an upload', () => {
  it.each<[string, readonly string[]]>([
    ['?mode=later', ['mode']],
    ['?audioDuration=long', ['audioDuration']],
    ['?audioDuration=-1', ['audioDuration']],
    ['?audioDuration=1e999', ['audioDuration']],
    ['?priority=1.5', ['priority']],
    ['?mode=sync&mode=async', ['mode']],
    ['?audioUrl=https://audio.test/a', ['audioUrl']],
    ['?metadata=%7B', ['metadata']],
    ['?metadata=%5B%5D', ['metadata']],
    ['?metadata=%7B%22__proto__%22%3A1%7D', ['metadata.__proto__']],
    ['?__proto__=1', ['__proto__']],
    ['?constructor=1&constructor=2', ['constructor']],
    ['?punctuate=yes', ['punctuate']],
    ['?punctuate=true&punctuate=false', ['punctuate']],
    ['?redact=pci&smart_formt=true', ['redact', 'smart_formt']],
    ['?webhook=https://hooks.test/x', ['webhook']],
    [`?${LARGE}=1`, [`${'x'.repeat(64)}`]],
  ])('names what is wrong: %.40s', async (query, fields) => {
    const started = performance.now();
    const problem = await refused(await rig.upload(wavOf('never'), query));
    expect(performance.now() - started).toBeLessThan(1000);
    expect(problem.fields.map((field) => field.slice(0, 64)).sort()).toEqual([...fields].sort());
  });

  it.each([
    ['many names', Array.from({ length: 14_000 }, (_, index) => `n${index}=`).join('&')],
    ['many values', Array.from({ length: 14_000 }, (_, index) => `keyterm=${index}`).join('&')],
    ['a long value', `language=${LARGE}`],
    ['deep metadata', `metadata=${'['.repeat(100_000)}`],
  ])('of 100,000 characters is answered within 20 ms: %s (S7)', async (_what, query) => {
    const audio = wavOf('never');
    let best = Number.POSITIVE_INFINITY;
    for (let count = 0; count < 10 && best >= 20; count += 1) {
      const started = performance.now();
      const response = await rig.upload(audio, `?${query}`);
      best = Math.min(best, performance.now() - started);
      expect(response.status).toBe(400);
    }
    expect(best).toBeLessThan(20);
  });

  it('names another user with 403', async () => {
    expect((await rig.upload(wavOf('never'), '?userId=ben')).status).toBe(403);
  });
});

describe('an upload', () => {
  it('without a byte is refused', async () => {
    expect((await refused(await rig.upload(new Uint8Array()))).code).toBe('empty_source');
    const none = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
    expect((await refused(await rig.upload(none))).code).toBe('empty_source');
  });

  it('that is compressed is refused', async () => {
    expect((await rig.upload(wavOf('never'), '', { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('that breaks off is refused, whatever it was for', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > 3) controller.error(new Error('gone'));
        else controller.enqueue(new Uint8Array(1000));
      },
    });
    expect((await refused(await rig.upload(body))).code).toBe('broken_body');
  });

  it('is refused with 413 at its announcement, before a byte of it is read (S6)', async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls += 1;
          controller.enqueue(new Uint8Array(1000));
        },
      },
      { highWaterMark: 0 },
    );
    const response = await rig.upload(body, '', { 'content-length': '1000001' });
    expect(response.status).toBe(413);
    expect(pulls).toBe(0);
  });

  it('without an end is refused with 413 by what was counted, and ended at Deepgram (S6)', async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls += 1;
        controller.enqueue(new Uint8Array(100_000));
      },
    });
    const response = await rig.upload(body);
    expect(response.status).toBe(413);
    expect((await problemOf(response)).code).toBe('payload_too_large');
    expect(pulls).toBeLessThan(20);
    await expect
      .poll(() => rig.emulator.requests.map(({ outcome }) => outcome), { timeout: 10_000 })
      .toEqual(['abandoned']);
  });
});
