import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWebhookTargets, type WebhookTargetsOptions } from '../../src/webhooks/index.js';
import { deliver, startReplying } from './receiver.js';

/** Listens where nobody may get to. */
let canary: Server;
let port: number;
/** Connections to any canary. */
let hits = 0;

beforeAll(async () => {
  canary = createCanary();
  await listen(canary, 0, '0.0.0.0');
  port = portOf(canary);
});

afterAll(() => close(canary));

beforeEach(() => {
  hits = 0;
});

function createCanary(): Server {
  return createServer((socket) => {
    hits += 1;
    socket.on('error', () => undefined).destroy();
  });
}

function listen(server: Server, wantedPort: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(wantedPort, host, resolve);
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'loopback.example.com': ['127.0.0.1'],
  'other.example.com': ['127.9.8.7'],
  'this-host.example.com': ['0.0.0.0'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'mixed.example.com': ['93.184.215.14', '127.0.0.1'],
};

const resolve = async (hostname: string): Promise<readonly string[]> => NAMES[hostname] ?? ['127.0.0.1'];

const hasIpv6 = Object.values(networkInterfaces()).some((found) =>
  found?.some(({ family }) => family === 'IPv6'),
);

/** Each of them leads to the canary, as is shown where loopback is let through. */
const HOSTS = [
  '127.0.0.1',
  '127.9.8.7',
  '127.1',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '0x7f000001',
  '0x7f.1',
  '0.0.0.0',
  '0',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '１２７.０.０.１',
  '127。0。0。1',
  '127.0.0.1.',
  'localhost',
  'localhost.',
  'LocalHost',
  'a.b.localhost',
  'loopback.example.com',
  'other.example.com',
  'this-host.example.com',
  'mapped.example.com',
];

describe('a canary on loopback', () => {
  /** Its port is let through, so that only its address is in the way. */
  const targets = (options: WebhookTargetsOptions = {}) =>
    createWebhookTargets({ ports: [port], resolve, ...options });

  it.each([
    ...HOSTS,
    'mixed.example.com',
    'public.example.com@127.0.0.1',
    'user:password@loopback.example.com',
    '127.0.0.1\\@public.example.com',
  ])('is never reached by https as %s', async (host) => {
    const ends = host.includes('\\') ? host.replace('\\', `:${port}\\`) : `${host}:${port}`;
    const delivery = await deliver(`https://${ends}/`, { targets: targets() });
    expect(delivery).toEqual({ outcome: 'failed', code: 'forbidden_address', durationMs: 0 });
    expect(hits).toBe(0);
  });

  it.each(HOSTS)('is never reached by http as %s', async (host) => {
    const delivery = await deliver(`http://${host}:${port}/`, { targets: targets() });
    expect(delivery).toMatchObject({ outcome: 'failed', code: 'forbidden_address' });
    expect(hits).toBe(0);
  });

  const reachable = HOSTS.filter((host) => hasIpv6 || !/:|mapped/.test(host));
  it.each(reachable)('is reached as %s where loopback is let through', async (host) => {
    const open = targets({ allow: ['127.0.0.0/8', '0.0.0.0'] });
    const delivery = await deliver(`https://${host}:${port}/`, { targets: open });
    expect(delivery).toMatchObject({
      outcome: 'failed',
      code: expect.not.stringMatching('forbidden_address'),
    });
    expect(hits).toBe(1);
  });

  it('is not reached by a redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://127.0.0.1:${port}/`;
      await using server = await startReplying({ status, headers: { location } });
      const delivery = await deliver(server.url);
      expect(delivery).toMatchObject({ outcome: 'failed', code: 'redirect', httpStatus: status });
      expect(server.messages).toHaveLength(1);
    }
    expect(hits).toBe(0);
  });
});

describe('a name whose address changes between check and use', () => {
  it.each(['rebind.example.com', 'localhost'])(
    'is looked up once, and connected to where it led: %s',
    async (name) => {
      await using pair = await startPair();
      let lookups = 0;
      const targets = createWebhookTargets({
        allow: [`127.0.0.2:${pair.port}`],
        resolve: async () => {
          lookups += 1;
          return lookups === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
        },
      });
      const url = `http://${name}:${pair.port}/`;
      expect(await deliver(url, { targets })).toMatchObject({ outcome: 'delivered', httpStatus: 200 });
      expect(lookups).toBe(1);
      expect(pair.hosts).toEqual([`${name}:${pair.port}`]);
      // The next attempt looks it up anew, on a connection of its own.
      expect(await deliver(url, { targets })).toMatchObject({ outcome: 'failed', code: 'forbidden_address' });
      expect(lookups).toBe(2);
      expect(pair.hosts).toHaveLength(1);
      expect(hits).toBe(0);
    },
  );

  it('is not connected to at all where one of its addresses is forbidden', async () => {
    await using pair = await startPair();
    const targets = createWebhookTargets({
      allow: [`127.0.0.2:${pair.port}`],
      resolve: async () => ['127.0.0.2', '127.0.0.1'],
    });
    const delivery = await deliver(`http://rebind.example.com:${pair.port}/`, { targets });
    expect(delivery).toMatchObject({ outcome: 'failed', code: 'forbidden_address' });
    expect(pair.hosts).toEqual([]);
    expect(hits).toBe(0);
  });
});

describe('the process’s own agent', () => {
  it('is not used, because a proxy would look up the name again', async () => {
    const { globalAgent } = await import('node:http');
    const { createConnection } = globalAgent as unknown as { createConnection: () => never };
    Object.assign(globalAgent, {
      createConnection: () => {
        throw new Error('used');
      },
    });
    try {
      await using server = await startReplying({ status: 200 });
      expect(await deliver(server.url)).toMatchObject({ outcome: 'delivered' });
    } finally {
      Object.assign(globalAgent, { createConnection });
    }
  });
});

interface Pair extends AsyncDisposable {
  readonly port: number;
  /** The `Host` headers that the receiver has got. */
  readonly hosts: readonly unknown[];
}

/** A receiver at 127.0.0.2 and a canary at 127.0.0.1, on one port. */
async function startPair(): Promise<Pair> {
  const hosts: unknown[] = [];
  const receiver = createHttpServer((request, response) => {
    hosts.push(request.headers.host);
    request.resume().on('end', () => response.end());
  });
  await listen(receiver, 0, '127.0.0.2');
  const neighbour = createCanary();
  await listen(neighbour, portOf(receiver), '127.0.0.1');
  return {
    port: portOf(receiver),
    hosts,
    async [Symbol.asyncDispose]() {
      await Promise.all([close(receiver), close(neighbour)]);
    },
  };
}
