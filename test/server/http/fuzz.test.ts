import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Dice, type FuzzWorld, randomRequest } from './fuzz-requests.js';
import { authorizeByBearer, ORIGIN, startHttpRig, wavOf } from './rig.js';

const REQUESTS = 10_000;
const WARM_UP = 1000;
const PARALLEL = 20;
const MAX_GROWTH_BYTES = 12_000_000;
const seed = Number(process.env.HTTP_SEED ?? Math.floor(Math.random() * 2 ** 32));

const PROBLEM = {
  type: 'about:blank',
  title: expect.any(String),
  detail: expect.any(String),
  code: expect.stringMatching(/^[a-z_]+$/),
  requestId: expect.any(String),
};

function collectGarbage(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('10,000 requests of any kind', () => {
  it('get answers, none of them 500, and leave nothing behind', async () => {
    console.log(`HTTP_SEED=${seed}`);
    const failures: unknown[] = [];
    await using rig = await startHttpRig({
      http: {
        authorize: authorizeByBearer,
        basePath: '/api',
        limits: { tokensPerMinute: 1_000_000 },
        token: {},
        metrics: { contentType: 'text/plain', metrics: async () => 'up 1\n' },
        cors: { origins: ['https://app.test'] },
        onError: (error, { route }) => {
          if (route !== '/callback') failures.push(error);
        },
      },
    });
    const { client, emulator, handlers } = rig;
    const audio = wavOf('hello');
    const job = await client.enqueue(audio, { userId: 'ada' });
    const transcript = await job.result();
    const world: FuzzWorld = {
      origin: ORIGIN,
      ids: [job.id, transcript.id],
      audioUrl: emulator.serveAudio(audio),
      audio,
    };
    const dice = new Dice(seed);
    const statuses = new Map<number, number>();
    let sent = 0;
    const lane = async (until: number): Promise<void> => {
      while (sent < until) {
        sent += 1;
        const request = randomRequest(dice, world);
        const what = `${sent}: ${request.method} ${request.url.slice(0, 200)}`;
        const response = await handlers.fetch(request);
        await check(response, what + failures.map((error) => `\n${inspect(error)}`).join(''));
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      }
    };
    const send = (until: number) => Promise.all(Array.from({ length: PARALLEL }, () => lane(until)));
    await send(WARM_UP);
    const before = collectGarbage();
    await send(REQUESTS);
    const growth = collectGarbage() - before;
    console.log(Object.fromEntries(statuses), `${Math.round(growth / 1000)} kB more`);
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    expect(failures).toEqual([]);
    // All parts of the API were reached, not its front door alone.
    for (const status of [200, 202, 400, 401, 403, 404, 405, 413, 415]) {
      expect([...statuses.keys()]).toContain(status);
    }
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  }, 120_000);
});

async function check(response: Response, what: string): Promise<void> {
  // What broke off on its way to us, Deepgram is asked to hand in again.
  const isHandedInAgain = /POST \S+\/callback\b/.test(what) && response.status === 503;
  if (!isHandedInAgain) expect(response.status, what).toBeLessThan(500);
  expect(response.headers.get('x-request-id'), what).toMatch(/^[\w.:-]+$/);
  const text = await response.text();
  const type = response.headers.get('content-type');
  // A callback is answered by its status alone, and HEAD without a body.
  if (response.status < 400 || text === '') return;
  expect(type, what).toBe('application/problem+json');
  expect(JSON.parse(text), what).toMatchObject({ ...PROBLEM, status: response.status });
}
