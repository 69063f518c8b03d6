import { describe, expect, it } from 'vitest';
import { CallbackSecrets } from '../../src/queue/callback-secrets.js';

const ONE = 'the first secret of the callbacks';
const TWO = 'the second secret of the callbacks';
const ticket = { jobId: 'job_0123456789abcdef0123456789abcdef', run: 2 };

describe('the secrets of callbacks', () => {
  it('are made by the first secret, and checked with each', () => {
    const old = new CallbackSecrets([ONE]).sign(ticket);
    const both = new CallbackSecrets([TWO, ONE]);
    expect(both.verify(old)).toEqual(ticket);
    expect(both.verify(both.sign(ticket))).toEqual(ticket);
    expect(new CallbackSecrets([TWO]).verify(both.sign(ticket))).toEqual(ticket);
    expect(new CallbackSecrets([TWO]).verify(old)).toBeUndefined();
  });

  it('stay the same over versions of the library: jobs wait longer than a release takes', () => {
    expect(new CallbackSecrets([ONE]).sign(ticket)).toBe(
      'job_0123456789abcdef0123456789abcdef.2.V7xsNld3C1Yt6quqkHqPJCgw7AH1MWeQ2FxnhsnxKnY',
    );
  });

  it('fit into a pair of extra, with what a query leaves as it is', () => {
    const secret = new CallbackSecrets([ONE]).sign(ticket);
    expect(secret).toMatch(/^[\w.-]+$/);
    expect(encodeURIComponent(secret)).toBe(secret);
    expect(`callback_secret:${secret}`.length).toBeLessThan(2048);
  });

  it('differ for each attempt and each job, in every part of the MAC', () => {
    const secrets = new CallbackSecrets([ONE]);
    const macs = [ticket, { ...ticket, run: 3 }, { ...ticket, jobId: 'job_1' }].map(
      (each) => secrets.sign(each).split('.')[2],
    );
    expect(new Set(macs).size).toBe(3);
  });

  it.each([
    undefined,
    '',
    '..',
    'job_1.1.',
    `${'x'.repeat(129)}.1.${'A'.repeat(43)}`,
    `job_1.${'1'.repeat(16)}.${'A'.repeat(43)}`,
    `job_1.1.${'A'.repeat(44)}`,
    `job_1.1.${'é'.repeat(43)}`,
    `job_1.-1.${'A'.repeat(43)}`,
    `a.b.1.${'A'.repeat(43)}`,
  ])('are none: %j', (secret) => {
    expect(new CallbackSecrets([ONE, TWO]).verify(secret)).toBeUndefined();
  });
});
