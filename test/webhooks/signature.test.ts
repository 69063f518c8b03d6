import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { BadRequestError } from 'transcription-client';
import { describe, expect, it } from 'vitest';
import { signWebhook } from '../../src/webhooks/index.js';
import { BODY, OTHER_SECRET, SECRET } from './receiver.js';

const now = Math.floor(Date.now() / 1000);
const RAW = 'a raw secret of 30 characters!';

function headersOf(signature: string, id = 'msg_1'): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': String(now), 'webhook-signature': signature };
}

describe('the signature of a webhook', () => {
  it('is that of the specification’s example', () => {
    const signature = signWebhook({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSeconds: 1614265330,
      body: '{"test": 2432232314}',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    });
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it.each([24, 32, 63, 64])('fits standardwebhooks with a secret of %i bytes', (bytes) => {
    const secret = `whsec_${randomBytes(bytes).toString('base64')}`;
    const signature = signWebhook({ id: 'msg_1', timestampSeconds: now, body: BODY, secrets: [secret] });
    expect(signature).toBe(new Webhook(secret).sign('msg_1', new Date(now * 1000), BODY));
    expect(new Webhook(secret).verify(BODY, headersOf(signature))).toEqual(JSON.parse(BODY));
    expect(() => new Webhook(OTHER_SECRET).verify(BODY, headersOf(signature))).toThrow('No matching');
  });

  it('fits standardwebhooks with a raw secret', () => {
    const signature = signWebhook({ id: 'msg_1', timestampSeconds: now, body: BODY, secrets: [RAW] });
    const webhook = new Webhook(RAW, { format: 'raw' });
    expect(webhook.verify(BODY, headersOf(signature))).toEqual(JSON.parse(BODY));
  });

  it('takes the UTF-8 bytes of a raw secret', () => {
    const secret = 'ein Schlüssel, 24 Zeichen';
    const right = createHmac('sha256', Buffer.from(secret, 'utf8')).update(`m.${now}.x`).digest('base64');
    expect(signWebhook({ id: 'm', timestampSeconds: now, body: 'x', secrets: [secret] })).toBe(`v1,${right}`);
  });

  it('is the same for a text and for its bytes', () => {
    const options = { id: 'msg_1', timestampSeconds: now, secrets: [SECRET] };
    const ofText = signWebhook({ ...options, body: BODY });
    expect(signWebhook({ ...options, body: Buffer.from(BODY) })).toBe(ofText);
    expect(signWebhook({ ...options, body: `${BODY} ` })).not.toBe(ofText);
  });

  it('has one for each secret, which standardwebhooks takes by either', () => {
    const secrets = [OTHER_SECRET, SECRET];
    const signature = signWebhook({ id: 'msg_1', timestampSeconds: now, body: BODY, secrets });
    expect(signature).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
    for (const secret of secrets) new Webhook(secret).verify(BODY, headersOf(signature));
    const third = `whsec_${randomBytes(32).toString('base64')}`;
    expect(() => new Webhook(third).verify(BODY, headersOf(signature))).toThrow('No matching');
  });
});

const base64 = (bytes: number): string => Buffer.alloc(bytes, 'CANARY').toString('base64');

const WRONG_SECRETS: readonly [string, unknown][] = [
  ['whsec_ alone', 'whsec_'],
  ['23 bytes', `whsec_${base64(23)}`],
  ['65 bytes', `whsec_${base64(65)}`],
  ['base64 without its padding', `whsec_${base64(25).replace(/=+$/, '')}`],
  ['base64 for URLs', `whsec_${Buffer.alloc(33, 0xff).toString('base64url')}`],
  ['base64 with a blank', `whsec_${base64(32).slice(0, 8)} ${base64(32).slice(8)}`],
  ['base64 with a line end', `whsec_${base64(32)}\n`],
  ['text after whsec_', 'whsec_CANARY-no-base64-but-long-enough'],
  ['23 characters', 'CANARY'.padEnd(23, '!')],
  ['1025 characters', 'CANARY'.padEnd(1025, '!')],
  ['an empty text', ''],
  ['undefined', undefined],
  ['bytes', Buffer.alloc(32, 'CANARY')],
  ['an object', { secret: 'CANARY-0123456789-0123456789' }],
];

describe('signing refuses', () => {
  it.each(WRONG_SECRETS)('a secret that is %s, and does not show it', (_what, secret) => {
    for (const secrets of [[secret], [SECRET, secret]]) {
      const error = failureOf({ secrets: secrets as string[] });
      expect(error.message).toContain(`secrets[${secrets.length - 1}] must be whsec_`);
      expect(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`).not.toMatch(
        /CANARY|Q0FOQVJZ|MfKQ9r8GKYqr/,
      );
    }
  });

  it.each([
    ['none', []],
    ['eleven', Array.from({ length: 11 }, () => SECRET)],
    ['a text instead of a list', SECRET],
    ['nothing', undefined],
  ])('%s', (_what, secrets) => {
    const error = failureOf({ secrets: secrets as string[] });
    expect(error.message).toBe('The option secrets must be an array of 1 to 10 secrets.');
  });

  it.each(['', 'a.b', 'a b', 'a\r\nx: y', 'ä', 'a'.repeat(257), 5, undefined])('the id %j', (id) => {
    expect(failureOf({ id: id as string }).message).toContain('The option id must be');
  });

  it.each([-1, 1.5, Number.NaN, Infinity, '1', undefined])('the timestamp %s', (timestampSeconds) => {
    const error = failureOf({ timestampSeconds: timestampSeconds as number });
    expect(error.message).toContain('The option timestampSeconds must be');
  });

  function failureOf(options: Partial<Parameters<typeof signWebhook>[0]>): BadRequestError {
    try {
      signWebhook({ id: 'msg_1', timestampSeconds: now, body: BODY, secrets: [SECRET], ...options });
    } catch (error) {
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject({ code: 'invalid_option' });
      return error as BadRequestError;
    }
    throw new Error('It was taken.');
  }
});
