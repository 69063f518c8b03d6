import { createHmac, hkdfSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type BridgePrincipal,
  createStreamTokens,
  type StreamTokensOptions,
} from '../../../src/server/websocket/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startRig } from './bridge-rig.js';

const SECRET = 'CANARY-secret-of-the-tokens';
const OTHER = 'CANARY-the-secret-that-follows';

function requestOf(token: string, headers: Record<string, string> = {}): IncomingMessage {
  return { url: `/stream?token=${encodeURIComponent(token)}`, headers } as unknown as IncomingMessage;
}

function tokensOf(options: Partial<StreamTokensOptions> = {}) {
  const clock = new ManualClock();
  return { clock, ...createStreamTokens({ secret: SECRET, clock, ...options }) };
}

/** As the library signs, with claims of the test's own. */
function forge(claims: unknown, { secret = SECRET, version = 'v1' } = {}): string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'transcription-client stream token v1', 32));
  const text = `${version}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

describe('a token', () => {
  it.each<BridgePrincipal>([
    { userId: 'ada' },
    { userId: 'ada', scopes: ['stream', 'read'] },
    { userId: 'größe "&?=#/ 🎤', scopes: [] },
    { userId: 'u'.repeat(512), scopes: ['stream'] },
  ])('gives back its principal (%#)', async (principal) => {
    const { issue, authorize } = tokensOf();
    const { token, expiresInSeconds } = await issue(principal);
    expect(expiresInSeconds).toBe(60);
    expect(token).toMatch(/^[\w.-]{1,4096}$/);
    expect(authorize(requestOf(token))).toEqual(principal);
    const bare = {
      url: '/stream',
      headers: { 'sec-websocket-protocol': `transcription.v1, bearer.${token}` },
    };
    expect(authorize(bare as unknown as IncomingMessage)).toEqual(principal);
    const header = { url: '/stream', headers: { authorization: `Bearer ${token}` } };
    expect(authorize(header as unknown as IncomingMessage)).toEqual(principal);
  });

  it('carries nothing of a principal but its user and its scopes', async () => {
    const { issue, authorize } = tokensOf();
    const principal = { userId: 'ada', scopes: ['stream'], expiresAt: 9e15, password: 'CANARY' };
    const { token } = await issue(principal);
    expect(authorize(requestOf(token))).toEqual({ userId: 'ada', scopes: ['stream'] });
    expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).not.toContain('CANARY');
  });

  it('opens until it expires, by the wall clock', async () => {
    const { clock, issue, authorize } = tokensOf({ ttlSeconds: 5 });
    const { token, expiresInSeconds } = await issue({ userId: 'ada' });
    expect(expiresInSeconds).toBe(5);
    await clock.advance(4999);
    expect(authorize(requestOf(token))).toEqual({ userId: 'ada' });
    await clock.advance(1);
    expect(authorize(requestOf(token))).toBeNull();
  });

  it('is refused where anything of it is another', async () => {
    const { clock, issue, authorize } = tokensOf();
    const { token } = await issue({ userId: 'ada' });
    const [version, payload = '', mac = ''] = token.split('.');
    const claims = { userId: 'ada', expiresAt: clock.wallMs() + 60_000 };
    expect(authorize(requestOf(forge(claims)))).toEqual({ userId: 'ada' });
    const bens = Buffer.from(JSON.stringify({ ...claims, userId: 'ben' })).toString('base64url');
    const last = mac.slice(-1);
    // The last character stands for four bits and two that nobody looks at.
    const sameBytes = `${mac.slice(0, -1)}${next(last)}`;
    const refused = {
      'another payload': `${version}.${bens}.${mac}`,
      'no signature': `${version}.${payload}`,
      'an empty one': `${version}.${payload}.`,
      'cut short': token.slice(0, -1),
      'cut in the payload': `${version}.${payload.slice(0, -2)}.${mac}`,
      'more behind it': `${token}=`,
      'a space in it': `${version}. ${payload}.${mac}`,
      'the same bytes in other letters': `${version}.${payload}.${sameBytes}`,
      'another version': token.replace('v1', 'v2'),
      'another version that is signed': forge(claims, { version: 'v2' }),
      'another secret': forge(claims, { secret: OTHER }),
      'a JSON Web Token': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`,
      'the secret': SECRET,
      nothing: '',
      'a long text': 'x'.repeat(1_000_000),
      'a long token': forge({ ...claims, scopes: Array(2000).fill('s') }),
    };
    for (const [what, given] of Object.entries(refused)) {
      expect(authorize(requestOf(given)), what).toBeNull();
      expect(
        authorize({ url: '/stream', headers: { authorization: `Bearer ${given}` } } as never),
        what,
      ).toBeNull();
    }
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(authorize(requestOf(changed)), `at ${at}`).toBeNull();
    }
    for (const url of [undefined, '', '/stream', '/stream?', '/stream?token', '/stream?%ff=%']) {
      expect(authorize({ url, headers: {} } as never)).toBeNull();
    }
  });

  it('is taken from servers with the same secret, also while one secret takes the place of another', async () => {
    const [before, during, after] = [SECRET, [OTHER, SECRET], OTHER].map((secret) =>
      createStreamTokens({ secret }),
    );
    const opens = async (from: typeof before, to: typeof before) => {
      const { token } = (await from?.issue({ userId: 'ada' })) ?? { token: '' };
      return to?.authorize(requestOf(token)) !== null;
    };
    expect(await opens(before, createStreamTokens({ secret: SECRET }))).toBe(true);
    expect([await opens(before, during), await opens(during, after)]).toEqual([true, true]);
    expect([await opens(during, before), await opens(before, after)]).toEqual([false, false]);
  });

  it('is not issued for what is no principal, or for one that is too long', async () => {
    const { issue } = tokensOf();
    const wrong = [
      null,
      undefined,
      'ada',
      {},
      { userId: '' },
      { userId: 7 },
      { userId: 'ada', scopes: 'stream' },
      { userId: 'ada', scopes: [7] },
      { userId: 'ada', scopes: Array(1000).fill('stream') },
    ];
    for (const principal of wrong) {
      await expect(issue(principal as never), inspect(principal)).rejects.toMatchObject({
        name: 'BadRequestError',
        code: 'invalid_option',
      });
    }
  });
});

describe('createStreamTokens()', () => {
  it.each([
    undefined,
    {},
    { secret: 'CANARY-too-short' },
    { secret: `CANARY${'x'.repeat(1024)}` },
    { secret: [] },
    { secret: [SECRET, 'CANARY-short'] },
    { secret: Array(11).fill(SECRET) },
    { secret: Buffer.from(SECRET) },
    { secret: SECRET, ttlSeconds: 0 },
    { secret: SECRET, ttlSeconds: 3601 },
    { secret: SECRET, ttlSeconds: 1.5 },
    { secret: SECRET, ttlSeconds: '60' },
    { secret: SECRET, clock: {} },
    { secret: SECRET, secrets: [] },
  ])('refuses %j, and shows no secret', (options) => {
    const create = () => createStreamTokens(options as never);
    expect(create).toThrow(expect.objectContaining({ name: 'BadRequestError' }));
    try {
      create();
    } catch (error) {
      expect(inspect(error)).not.toContain('CANARY');
    }
  });

  it('hides its secret', () => {
    const tokens = createStreamTokens({ secret: SECRET });
    expect(inspect(tokens, { depth: 9, showHidden: true }) + JSON.stringify(tokens)).not.toContain('CANARY');
  });
});

describe('the bridge', () => {
  it('takes a token in the query or as a subprotocol, once it is asked with one', async () => {
    const { clock, issue, authorize } = tokensOf();
    const rig = await startRig({ authorize });
    const { token } = await issue({ userId: 'ada', scopes: ['stream'] });
    const inQuery = await rig.browser({ user: '', path: `/stream?token=${token}` });
    await inQuery.start();
    const asProtocol = await rig.browser({ user: '', protocols: ['transcription.v1', `bearer.${token}`] });
    await asProtocol.start();
    expect(asProtocol.socket.protocol).toBe('transcription.v1');
    expect(rig.activity.filter(({ type }) => type === 'connected')).toEqual([
      { type: 'connected', userId: 'ada' },
      { type: 'connected', userId: 'ada' },
    ]);
    for (const path of ['/stream', '/stream?token=', `/stream?token=${token.slice(0, -1)}`]) {
      expect((await rig.refused({ user: '', path })).status).toBe(401);
    }
    await clock.advance(60_000);
    expect((await rig.refused({ user: '', path: `/stream?token=${token}` })).status).toBe(401);
    // A session that is open goes on.
    inQuery.say({ type: 'ping', id: 1 });
    expect(await inQuery.next('pong')).toMatchObject({ id: 1 });
    expect(rig.activity.filter(({ type }) => type === 'error')).toEqual([]);
  });
});

/** The next letter of base64url. */
function next(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[letters.indexOf(letter) + 1] ?? '';
}
