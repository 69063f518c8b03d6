import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Job } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { createHandlers, type HttpClient, type HttpOptions } from '../../../src/server/http/index.js';
import { urlOf } from '../../../src/server/node/address.js';
import { exchange } from '../../../src/server/node/exchange.js';
import { handRig } from './hand-job.js';
import { authorizeByBearer, bearer, ORIGIN } from './rig.js';

const none = () => Promise.reject(new Error('not here'));

/** Handlers over a client that does as told. */
function handlersOf(client: Partial<HttpClient>, options: Partial<HttpOptions> = {}) {
  const { fetch } = createHandlers(
    {
      submit: none,
      handleCallback: none,
      health: none,
      grantToken: none,
      jobs: { get: none, cancel: none },
      transcripts: { get: none },
      ...client,
    },
    { authorize: authorizeByBearer, ...options },
  );
  return (path: string, init: RequestInit = {}) =>
    fetch(new Request(ORIGIN + path, { headers: bearer('ada'), ...init }));
}

describe('functions of the application', () => {
  it('an onError that fails later does not end the process', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const ask = handlersOf({}, { onError: () => Promise.reject(new Error('no logs today')) });
      expect((await ask('/health')).status).toBe(500);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it.each(['transcribe spreadsheet', null, [1]])(
    'an authorize that gives the scopes %j is a fault of the server',
    async (scopes) => {
      const told: string[] = [];
      const ask = handlersOf(
        {},
        {
          authorize: () => ({ userId: 'ada', scopes }) as never,
          onError: ({ message }) => void told.push(message),
        },
      );
      expect((await ask('/jobs/job_1')).status).toBe(500);
      expect(told).toEqual([expect.stringContaining('authorize() must return')]);
    },
  );
});

describe('a storage that hangs', () => {
  it('does not hold the request of somebody who has gone', async () => {
    const ask = handlersOf({ jobs: { get: () => new Promise(() => undefined), cancel: none } });
    const leaving = new AbortController();
    const answer = ask('/jobs/job_1', { signal: leaving.signal });
    leaving.abort();
    expect((await answer).status).toBe(499);
  });
});

describe('a job whose events cannot be followed', () => {
  it('takes nobody a place', async () => {
    const status = { id: 'job_1', userId: 'ada', state: 'active', attempts: 1, startedAt: 'now' };
    const events = () => {
      throw new Error('no events');
    };
    const job = { id: 'job_1', status: async () => status, events } as unknown as Job;
    const ask = handlersOf(
      { jobs: { get: async () => job, cancel: none } },
      { limits: { maxEventStreamsPerPrincipal: 1 } },
    );
    for (let round = 0; round < 3; round += 1) expect((await ask('/jobs/job_1/events')).status).toBe(500);
  });
});

describe('a reader of events that does not read', () => {
  it('loses its connection with its place', async () => {
    const { clock, job, handlers } = handRig({ heartbeatMs: 1000, limits: { maxEventStreams: 1 } });
    const server = createServer((incoming, outgoing) => {
      const url = urlOf('http', 'api.test', incoming.url ?? '/');
      void exchange({ incoming, outgoing, url, parsedBody: undefined }, handlers.fetch);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    const { authorization } = bearer('ada');
    socket.write(`GET /jobs/job_hand/events HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`);
    await vi.waitFor(() => expect(job.followers).toBe(1));
    // More than the buffers of the machine's sockets hold.
    const large = { ...job.active(), metadata: { text: 'x'.repeat(1_000_000) } };
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      job.say({ type: 'active', status: { ...large, attempts: attempt } as never });
    }
    const connections = () =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    await vi.waitFor(
      async () => {
        await clock.advance(1000);
        expect([job.followers, await connections()]).toEqual([0, 0]);
      },
      { timeout: 10_000 },
    );
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
