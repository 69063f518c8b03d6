import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { AuthError, BadRequestError, TranscriptionError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { signWebhook, type VerifyWebhookOptions, verifyWebhook } from '../../src/webhooks/index.js';
import { failureOf } from '../support/client.js';
import { BODY, clockOfNow, OTHER_SECRET, SECRET } from './receiver.js';

const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const clock = clockOfNow();
const now = Math.floor(clock.wallMs() / 1000);
const EVENT = { id: ID, ...JSON.parse(BODY) };

/** The headers of a message that is signed. */
function signed(body: string | Uint8Array = BODY, timestampSeconds = now, secrets = [SECRET], id = ID) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signWebhook({ id, timestampSeconds, body, secrets }),
  };
}

function verify(options: { [Key in keyof VerifyWebhookOptions]?: unknown } = {}) {
  const whole = { headers: signed(), body: BODY, clock, ...options };
  const secret = 'secret' in options || 'secrets' in options ? {} : { secret: SECRET };
  return verifyWebhook({ ...whole, ...secret } as VerifyWebhookOptions);
}

/** Refused, with the code that a receiver answers 400 or 401 to. */
async function refusalOf(options: Parameters<typeof verify>[0]): Promise<TranscriptionError> {
  const error = await failureOf(verify(options));
  expect(error).toMatchObject({ code: 'invalid_signature', retryable: false });
  expect(error.message).toMatch(/^The request is refused as a webhook, because .+\.$/);
  expect(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`).not.toMatch(
    /MfKQ9r8GKYqr|X7rT0hQk1G|grüße/,
  );
  return error;
}

describe('verifyWebhook()', () => {
  it('takes what signWebhook() signed', async () => {
    expect(await verify()).toEqual(EVENT);
  });

  it('takes what standardwebhooks signed, by the machine’s clock', async () => {
    const at = new Date();
    const headers = {
      'webhook-id': ID,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(SECRET).sign(ID, at, BODY),
    };
    expect(await verifyWebhook({ headers, body: BODY, secret: SECRET })).toEqual(EVENT);
    expect(await failureOf(verifyWebhook({ headers, body: BODY, secret: OTHER_SECRET }))).toMatchObject({
      code: 'invalid_signature',
    });
  });

  const headers = signed();
  const entries = Object.entries(headers);
  const upper = entries.map(([name, value]) => [name.toUpperCase(), value] as const);
  const cookies: [string, string][] = [
    ['cookie', 'a'],
    ['cookie', 'b'],
  ];
  it.each([
    ['a fetch Headers', new Headers(headers)],
    ['Node’s object', { host: 'a', 'set-cookie': ['a', 'b'], 'x-none': undefined, ...headers }],
    ['names in capitals', Object.fromEntries(upper)],
    ['lists of one value', Object.fromEntries(entries.map(([name, value]) => [name, [value]]))],
    ['entries', [...cookies, ...upper]],
    ['a Map', new Map(upper)],
    ['an object without prototype', Object.assign(Object.create(null), headers)],
  ])('takes headers as %s', async (_what, given) => {
    expect(await verify({ headers: given })).toEqual(EVENT);
  });

  it.each([
    ['a text', BODY],
    ['a Buffer', Buffer.from(BODY)],
    ['a Uint8Array', new TextEncoder().encode(BODY)],
    ['an ArrayBuffer', new TextEncoder().encode(BODY).buffer],
    ['part of a larger buffer', Buffer.from(`__${BODY}__`).subarray(2, -2)],
  ])('takes the body as %s', async (_what, body) => {
    expect(await verify({ body })).toEqual(EVENT);
  });

  it('takes either of two secrets, on either side', async () => {
    const both = signed(BODY, now, [OTHER_SECRET, SECRET]);
    for (const secret of [SECRET, OTHER_SECRET])
      expect(await verify({ headers: both, secret })).toEqual(EVENT);
    expect(await verify({ secrets: [OTHER_SECRET, SECRET] })).toEqual(EVENT);
    await refusalOf({ secrets: [OTHER_SECRET] });
  });

  it('passes over signatures of other versions', async () => {
    const right = headers['webhook-signature'];
    const bare = right.slice('v1,'.length);
    const wrong = `v1,${'A'.repeat(43)}=`;
    for (const good of [`v1a,AAAA ${right}`, `${right} v2,x`, `${wrong} ${wrong} ${right}`, ` ${right} `]) {
      expect(await verify({ headers: { ...headers, 'webhook-signature': good } }), good).toEqual(EVENT);
    }
    for (const bad of [`v1a,${bare}`, `v2,${bare}`, `V1,${bare}`, `,${bare}`, bare, `v1 ${bare}`]) {
      await refusalOf({ headers: { ...headers, 'webhook-signature': bad } });
    }
  });

  it.each([
    ['several, none right', `v1,${'A'.repeat(43)}= v1,${'B'.repeat(43)}= v1a,x`],
    ['none after its version', 'v1,'],
    ['a version alone', 'v1'],
    ['shorter', headers['webhook-signature'].slice(0, -1)],
    ['longer', `${headers['webhook-signature']}=`],
    ['of as many characters and more bytes', `v1,${'ä'.repeat(44)}`],
    [
      'with another letter',
      headers['webhook-signature'].replace(/.=$/, (end) => (end === 'A=' ? 'B=' : 'A=')),
    ],
  ])('refuses a signature that is %s', async (_what, signature) => {
    const error = await refusalOf({ headers: { ...headers, 'webhook-signature': signature } });
    expect(error).toBeInstanceOf(AuthError);
    expect(error.message).toContain('no signature fits');
  });

  it('refuses a changed body, id or time', async () => {
    for (const change of [
      { body: `${BODY} ` },
      { body: BODY.replace('job_1', 'job_2') },
      { headers: { ...headers, 'webhook-id': 'msg_2' } },
      { headers: { ...headers, 'webhook-timestamp': String(now + 1) } },
      { headers: { ...headers, 'webhook-timestamp': `0${now}` } },
    ]) {
      expect(await refusalOf(change)).toBeInstanceOf(AuthError);
    }
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'refuses a wrong header %s',
    async (name) => {
      const value = (headers as Record<string, string>)[name];
      const { [name]: _left, ...others } = headers as Record<string, string>;
      const long = 'v1,A '.repeat(1000);
      for (const given of [undefined, '', [], long, 5, null, ['v1,a', 5]]) {
        const error = await refusalOf({ headers: { ...others, [name]: given } });
        expect(error, String(given)).toBeInstanceOf(BadRequestError);
        expect(error.message).toContain(`its header ${name} is missing`);
      }
      if (name === 'webhook-signature') return;
      // Nobody can say which of two was signed.
      for (const twice of [
        { ...headers, [name]: [value, value] },
        { ...headers, [name.toUpperCase()]: value },
      ]) {
        expect(await refusalOf({ headers: twice })).toBeInstanceOf(BadRequestError);
      }
      await refusalOf({ headers: new Headers([...Object.entries(headers), [name, value ?? '']]) });
    },
  );

  it.each([
    'soon',
    '-1',
    '1e9',
    '1.5',
    ' ',
    '0x10',
    '١٢٣',
    '9'.repeat(13),
    `${now} `,
    '2026-01-01T00:00:00Z',
  ])('refuses the timestamp %j', async (timestamp) => {
    const error = await refusalOf({ headers: { ...headers, 'webhook-timestamp': timestamp } });
    expect(error.message).toContain('webhook-timestamp is missing or no time');
  });

  it.each(['a.b', 'a b', 'ä', 'a'.repeat(257)])('refuses the id %j', async (id) => {
    const right = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64')).update(`${id}.${now}.${BODY}`);
    const signature = `v1,${right.digest('base64')}`;
    await refusalOf({ headers: { ...headers, 'webhook-id': id, 'webhook-signature': signature } });
  });

  it.each([
    [300, undefined, true],
    [301, undefined, false],
    [-300, undefined, true],
    [-301, undefined, false],
    [10, 10, true],
    [11, 10, false],
    [-11, 10, false],
    [0, 0, true],
    [1, 0, false],
    [86_400, 86_400, true],
  ])('judges a message of %i s ago by a tolerance of %s', async (age, toleranceSeconds, isTaken) => {
    const options = { headers: signed(BODY, now - age), toleranceSeconds };
    if (isTaken) expect(await verify(options)).toEqual(EVENT);
    else {
      const error = await refusalOf(options);
      expect(error).toBeInstanceOf(AuthError);
      expect(error.message).toContain(`${Math.abs(age)} s in the ${age > 0 ? 'past' : 'future'}`);
    }
  });

  const data = { jobId: 'j', status: 'completed' };
  const time = '2026-01-02T03:04:05.000Z';
  const error = new TranscriptionError('No.', { code: 'timeout', status: 504 }).toJSON();
  it.each([
    ['failed', { jobId: 'j', status: 'failed', error, userId: 'u', metadata: { a: [1, { b: null }] } }],
    ['cancelled', { jobId: 'j', status: 'cancelled' }],
    ['completed', { ...data, transcriptId: 't', text: '' }],
  ])('gives the whole of an event: %s', async (status, given) => {
    const body = JSON.stringify({ type: `transcription.${status}`, timestamp: time, data: given });
    expect(await verify({ body, headers: signed(body) })).toEqual({
      id: ID,
      type: `transcription.${status}`,
      timestamp: time,
      data: given,
    });
  });

  it('leaves out fields that it does not know', async () => {
    const body = JSON.stringify({
      type: 'transcription.completed',
      timestamp: time,
      data: { ...data, isAdmin: true },
      more: 1,
    });
    const event = await verify({ body, headers: signed(body) });
    expect(event).toEqual({ id: ID, type: 'transcription.completed', timestamp: time, data });
  });

  const type = 'transcription.completed';
  it.each<[string, string | Uint8Array]>([
    ['no JSON', 'grüße'],
    ['empty', ''],
    ['truncated', BODY.slice(0, -1)],
    ['JSON with a byte order mark', Buffer.from(`\ufeff${BODY}`)],
    ['no UTF-8', Buffer.from(BODY.replace(/[^\x20-\x7e]+/g, 'ü'), 'latin1')],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"grüße"'],
    ['an empty object', '{}'],
    ['very deep', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['of another type', JSON.stringify({ type: 'invoice.paid', timestamp: time, data })],
    [
      'of a type that contradicts its status',
      JSON.stringify({ type: 'transcription.failed', timestamp: time, data }),
    ],
    ['without a type', JSON.stringify({ timestamp: time, data })],
    ['without a time', JSON.stringify({ type, data })],
    ['of no real time', JSON.stringify({ type, timestamp: 'yesterday', data })],
    ['without data', JSON.stringify({ type, timestamp: time })],
    ['without a job', JSON.stringify({ type, timestamp: time, data: { status: 'completed' } })],
    ['without a status', JSON.stringify({ type, timestamp: time, data: { jobId: 'j' } })],
    ...Object.entries({ userId: 5, transcriptId: null, text: [], metadata: [], error: 'No.', jobId: 1 }).map(
      ([name, value]): [string, string] => [
        `with an unfit ${name}`,
        JSON.stringify({ type, timestamp: time, data: { ...data, [name]: value } }),
      ],
    ),
    [
      'with half an error',
      JSON.stringify({ type, timestamp: time, data: { ...data, error: { code: 'x' } } }),
    ],
  ])('refuses a signed body that is %s', async (_what, body) => {
    const refusal = await refusalOf({ body, headers: signed(body) });
    expect(refusal).toBeInstanceOf(BadRequestError);
    expect(refusal.message).toContain('its body is none that this version knows');
    expect(refusal.cause).toBeUndefined();
  });

  it('bounds the body', async () => {
    const fill = (bytes: number): string =>
      BODY.replace('job_1', 'j'.repeat(bytes - Buffer.byteLength(BODY) + 5));
    const longest = fill(1_048_576);
    expect(Buffer.byteLength(longest)).toBe(1_048_576);
    const event = await verify({ body: longest, headers: signed(longest) });
    expect(event.data.jobId).toMatch(/^j+$/);
    const tooLong = fill(1_048_577);
    for (const body of [tooLong, Buffer.from(tooLong), 'ü'.repeat(600_000)]) {
      const refusal = await refusalOf({ body, headers: signed(body) });
      expect(refusal.message).toContain('longer than 1048576 bytes');
    }
  });

  it('hands on nothing that changes the prototype of what it is copied to', async () => {
    const metadata = `{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}},"constructor":"Ltd","prototype":"car"}`;
    const body =
      `{"__proto__":{"polluted":1},"type":"${type}","timestamp":"${time}",` +
      `"data":{"__proto__":{"polluted":1,"text":"x"},"jobId":"j","status":"completed","metadata":${metadata}}}`;
    const event = await verify({ body, headers: signed(body) });
    expect(event.data).toEqual({ ...data, metadata: { a: {}, constructor: 'Ltd', prototype: 'car' } });
    expect(JSON.stringify(event)).not.toMatch(/polluted|__proto__/);
    for (const value of [event, event.data, event.data.metadata]) {
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('verifyWebhook() tells who calls it wrong', () => {
  it.each<[string, unknown]>([
    ['an object', JSON.parse(BODY)],
    ['a list', [1]],
    ['nothing', undefined],
    ['null', null],
    ['a stream', new Blob([BODY]).stream()],
  ])('with a body that is %s', async (_what, body) => {
    const error = await failureOf(verify({ body }));
    expect(error).toMatchObject({ name: 'BadRequestError', code: 'invalid_option' });
    expect(error.message).toMatch(
      /as it came.+await request\.text\(\).+express\.raw\(\{ type: 'application\/json' \}\)/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['no headers', { headers: undefined }, /^The option headers must be/],
    ['headers as text', { headers: SECRET }, /^The option headers must be/],
    ['raw headers of Node', { headers: Object.entries(signed()).flat() }, /^The option headers must be/],
    ['no secret', { secret: undefined }, /^The option secret must be whsec_/],
    ['a short secret', { secret: 'CANARY' }, /^The option secret must be whsec_/],
    ['both', { secret: SECRET, secrets: [SECRET] }, /^Give either secret or secrets/],
    ['an empty list', { secrets: [] }, /^The option secrets must be an array/],
    ['a negative tolerance', { toleranceSeconds: -1 }, /^The option toleranceSeconds must be/],
    ['an endless tolerance', { toleranceSeconds: Number.POSITIVE_INFINITY }, /^The option toleranceSeconds/],
    ['a tolerance that is none', { toleranceSeconds: Number.NaN }, /^The option toleranceSeconds/],
    ['a tolerance as text', { toleranceSeconds: '300' }, /^The option toleranceSeconds/],
    ['a clock that is none', { clock: {} }, /^The option clock must be/],
    ['an unknown option', { tolerance: 300 }, /^Unknown option 'tolerance' in verifyWebhook\(\)/],
  ])('with %s', async (_what, options, message) => {
    const error = await failureOf(verify(options));
    expect(error).toMatchObject({ name: 'BadRequestError', message: expect.stringMatching(message) });
    expect(error.code).toMatch(/^(invalid|unknown)_option$/);
    expect(`${inspect(error)}${JSON.stringify(error)}`).not.toMatch(/CANARY|MfKQ9r8GKYqr/);
  });

  it('without any options', async () => {
    expect(await failureOf(verifyWebhook(undefined as never))).toMatchObject({ code: 'invalid_option' });
  });
});
