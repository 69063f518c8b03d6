import {
  type DeepgramEmulator,
  type HttpFaultInput,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUTHORIZATION, post } from './emulator-http-client.js';

const WAV = synthesizeSpeech('hello').audio;

let emulator: DeepgramEmulator;
beforeEach(async () => {
  emulator = await startDeepgramEmulator();
});
afterEach(() => emulator.close());

async function statuses(count: number, path = '/v1/listen', on = emulator): Promise<number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const response = await fetch(`${on.url}${path}`, {
      method: 'POST',
      headers: AUTHORIZATION,
      body: Buffer.from(WAV),
    });
    await response.arrayBuffer();
    all.push(response.status);
  }
  return all;
}

describe('faults', () => {
  it('hit the next requests and no more', async () => {
    const handle = emulator.faults.next(503, 2);
    expect(await statuses(3)).toEqual([503, 503, 200]);
    expect(handle.hits).toBe(2);
  });

  it('come in the order in which they were set', async () => {
    emulator.faults.next(500);
    emulator.faults.rule({ fault: 429 });
    emulator.faults.next(502);
    expect(await statuses(3)).toEqual([500, 429, 429]);
  });

  it('fit by method, path, query, headers and count', async () => {
    emulator.faults.rule({ fault: 401, when: ({ path }) => path === '/v1/auth/grant' });
    emulator.faults.rule({ fault: 402, when: ({ query }) => query.get('model') === 'nova-2' });
    emulator.faults.rule({ fault: 403, when: ({ headers }) => headers['x-own'] === 'yes' });
    emulator.faults.rule({ fault: 504, when: ({ method, count }) => method === 'POST' && count === 4 });
    expect(await statuses(1, '/v1/auth/grant')).toEqual([401]);
    expect(await statuses(1, '/v1/listen?model=nova-2')).toEqual([402]);
    const own = await post(emulator, '/v1/listen', WAV, { ...AUTHORIZATION, 'x-own': 'yes' });
    expect(own.status).toBe(403);
    expect(await statuses(3)).toEqual([200, 504, 200]);
  });

  it('spare audio that the emulator serves, except by a rule that says so', async () => {
    const url = emulator.serveAudio(WAV);
    emulator.faults.next(500);
    expect((await fetch(url)).status).toBe(200);
    emulator.faults.clear();
    emulator.faults.rule({ fault: 503, when: ({ path }) => path.startsWith('/audio/') });
    const { status, body } = await post(emulator, '/v1/listen', { url });
    expect([status, body.err_code]).toEqual([400, 'REMOTE_CONTENT_ERROR']);
  });

  it('are removed one by one or all', async () => {
    const first = emulator.faults.rule({ fault: 500 });
    emulator.faults.rule({ fault: 502, times: 10 });
    first.remove();
    expect(await statuses(1)).toEqual([502]);
    emulator.faults.clear();
    expect(await statuses(1)).toEqual([200]);
    expect(first.hits).toBe(0);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an unknown kind', () => emulator.faults.next('explode' as never), /fault: must be .* got 'explode'/],
    ['nothing', () => emulator.faults.next(undefined as never), /fault: must be .* got undefined/],
    [
      'an unknown status',
      () => emulator.faults.next(418 as never),
      /fault\.status: must be one of 401, .*418/,
    ],
    [
      'a wrong shape',
      () => emulator.faults.next({ kind: 'status', status: 500, shape: 'xml' as never }),
      /shape/,
    ],
    [
      'a setting of another',
      () => emulator.faults.next({ kind: 'html', ms: 5 } as never),
      /option 'ms' in fault/,
    ],
    [
      'a delay without time',
      () => emulator.faults.next({ kind: 'delay' } as never),
      /fault\.ms: .*undefined/,
    ],
    ['no bytes', () => emulator.faults.next({ kind: 'trickledBody', bytes: 0 }), /fault\.bytes: .*0/],
    ['a wrong moment', () => emulator.faults.next({ kind: 'reset', when: 'later' as never }), /fault\.when/],
    ['no request', () => emulator.faults.next('html', 0), /times: must be from 1/],
    [
      'a rule that is none',
      () => emulator.faults.rule({ fault: 500, when: 5 as never }),
      /when: must be a function/,
    ],
    [
      'a rate above 1',
      () => emulator.faults.random({ rate: 2, kinds: [500] }),
      /rate: must be from 0 to 1, got 2/,
    ],
    ['no kinds', () => emulator.faults.random({ rate: 1, kinds: [] }), /kinds: must be a list/],
    ['a wrong kind', () => emulator.faults.random({ rate: 1, kinds: [500, 'x' as never] }), /kinds\[1\]/],
    ['half a seed', () => emulator.faults.random({ seed: 0.5, rate: 1, kinds: [500] }), /seed: .*whole/],
  ])('refuse %s', (_name, set, message) => {
    expect(set).toThrow(message);
  });
});

describe('random faults', () => {
  const kinds: HttpFaultInput[] = [429, 500, 502, 503, { kind: 'status', status: 504, shape: 'text' }];

  it('are the same for the same seed', async () => {
    const first = emulator.faults.random({ rate: 0.5, kinds });
    console.log(`seed ${first.seed}`);
    const seen = await statuses(40);
    await using other = await startDeepgramEmulator();
    const replayed = other.faults.random({ seed: first.seed, rate: 0.5, kinds });
    expect(await statuses(40, '/v1/listen', other)).toEqual(seen);
    expect(replayed).toMatchObject({ seed: first.seed, hits: first.hits });
    expect(first.hits).toBe(seen.filter((status) => status !== 200).length);
  });

  it('differ for another seed, and hit about the share that was asked for with every kind', async () => {
    const { seed, ...rest } = { seed: 7, rate: 0.25, kinds };
    const first = emulator.faults.random({ seed, ...rest });
    const seen = await statuses(200);
    first.remove();
    emulator.faults.random({ seed: seed + 1, ...rest });
    expect(await statuses(200)).not.toEqual(seen);
    expect(first.hits).toBeGreaterThan(30);
    expect(first.hits).toBeLessThan(70);
    expect(new Set(seen)).toEqual(new Set([200, 429, 500, 502, 503, 504]));
  });

  it('hit none with rate 0 and all with rate 1, and only the requests that count', async () => {
    emulator.faults.random({ rate: 0, kinds: [500] });
    emulator.faults.random({ rate: 1, kinds: [503], when: ({ query }) => query.has('fail') });
    expect(await statuses(2)).toEqual([200, 200]);
    expect(await statuses(2, '/v1/listen?fail=1')).toEqual([503, 503]);
  });
});
