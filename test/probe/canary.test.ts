import { createServer, type Server } from 'node:net';
import {
  type AudioSource,
  type ClientOptions,
  fromStream,
  type TranscriptionClient,
} from 'transcription-client';
import { synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProbeTargets, remoteOpener } from '../../src/probe/index.js';
import { clientOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';
import { startRangeServer } from './range-server.js';
import { type ProbeReport, probe } from './support.js';

/** Listens where nobody may get to, on every address of the machine. */
let canary: Server;
let port: number;
let hits = 0;

beforeAll(async () => {
  canary = createServer((socket) => {
    hits += 1;
    socket.on('error', () => undefined).destroy();
  });
  await new Promise<void>((resolve) => {
    canary.listen(0, '0.0.0.0', resolve);
  });
  port = (canary.address() as { port: number }).port;
});
afterAll(() => void canary.close());
beforeEach(() => {
  hits = 0;
});

const { audio: wav } = synthesizeSpeech('a few words');

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'other.example.com': ['127.9.8.7'],
  'this-host.example.com': ['0.0.0.0'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'mixed.example.com': ['93.184.215.14', '127.0.0.1'],
};
const resolve = async (hostname: string): Promise<readonly string[]> => NAMES[hostname] ?? ['127.0.0.1'];

/** Each of them leads to the canary, as is shown where loopback is let through. */
const HOSTS = [
  ...[
    '127.0.0.1',
    '127.9.8.7',
    '127.1',
    '2130706433',
    '017700000001',
    '0x7f000001',
    '0x7f.1',
    '0.0.0.0',
    '0',
  ],
  ...['127。0。0。1', '127.0.0.1.', 'localhost', 'localhost.', 'LocalHost', 'a.b.localhost'],
  ...['loopback.example.com', 'other.example.com', 'this-host.example.com'],
];

/** The port of the canary is let through, so that only its address is in the way. */
function probeUrl(url: string, allow: readonly string[] = []): Promise<ProbeReport> {
  return probe(remoteOpener(url, createProbeTargets({ allow, ports: [port], resolve })));
}

describe('a probe', () => {
  const hosts = [
    ...HOSTS,
    ...['[::ffff:127.0.0.1]', '[::1]', 'mapped.example.com', 'mixed.example.com', '169.254.169.254'],
    ...['10.0.0.1', '100.64.0.1', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', 'metadata.google.internal'],
    ...['user:password@loopback.example.com', 'public.example.com@127.0.0.1'],
  ];

  it.each(hosts)('connects to nothing at %s', async (host) => {
    for (const scheme of ['http', 'https']) {
      const { seconds, elapsedMs } = await probeUrl(`${scheme}://${host}:${port}/speech.wav`);
      expect(seconds).toBeUndefined();
      expect(elapsedMs).toBeLessThan(2500);
    }
    expect(hits).toBe(0);
  });

  it.each(HOSTS)('connects to %s where loopback is let through', async (host) => {
    await probeUrl(`http://${host}:${port}/speech.wav`, ['127.0.0.0/8', '0.0.0.0']);
    expect(hits).toBe(1);
  });

  it('sends no user and no password, wherever it is let through', async () => {
    await using server = await startRangeServer(wav);
    await probeUrl(`http://user:secret@127.0.0.1:${server.port}/`, ['127.0.0.1']);
    expect(server.asked).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])('follows no %d to a place where it may not go', async (status) => {
    await using server = await startRangeServer(wav, {
      answer(_request, response) {
        response.writeHead(status, { location: `http://loopback.example.com:${port}/` }).end();
        return 0;
      },
    });
    const allow = [`127.0.0.1:${server.port}`];
    expect((await probeUrl(server.url, allow)).seconds).toBeUndefined();
    expect(server.asked).toHaveLength(1);
    expect(hits).toBe(0);
  });

  it('looks a name up once for each request, and connects to where that led', async () => {
    await using server = await startRangeServer(wav, { host: '127.0.0.2' });
    let lookups = 0;
    const targets = createProbeTargets({
      allow: [`127.0.0.2:${server.port}`],
      ports: [server.port],
      resolve: async () => {
        lookups += 1;
        return lookups === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
      },
    });
    const url = `http://rebind.example.com:${server.port}/`;
    expect((await probe(remoteOpener(url, targets))).seconds).toBeGreaterThan(0);
    expect(lookups).toBe(1);
    expect((await probe(remoteOpener(url, targets))).seconds).toBeUndefined();
    expect(lookups).toBe(2);
    expect(server.connections).toBe(1);
  });
});

describe('a client', () => {
  async function withClient(
    options: ClientOptions,
    run: (client: TranscriptionClient) => Promise<unknown>,
  ): Promise<void> {
    const answer = { status: 200, body: listenAnswer() };
    await using server = await startAnswering(answer, answer, answer);
    const regions = [{ name: 'here', endpoint: server.url, allowedSources: [`127.0.0.1:${port}`] }];
    await using client = clientOf(server.url, { ...options, regions });
    await run(client);
  }

  it.each([{}, { router: { probe: 'local' } }, { router: { probe: false } }] as ClientOptions[])(
    'opens no connection to the URL of a source with %j',
    async (options) => {
      const url = `http://127.0.0.1:${port}/speech.wav`;
      await withClient(options, async (client) => {
        await client.transcribe(url);
        await client.submit(url);
        await (await client.enqueue(url)).result();
      });
      expect(hits).toBe(0);
    },
  );

  it('opens one where router.probe is all and the length is not known', async () => {
    const url = `http://127.0.0.1:${port}/speech.wav`;
    const options: ClientOptions = { router: { probe: 'all' } };
    await withClient(options, (client) => client.submit(url, { durationSeconds: 5 }));
    await withClient(options, (client) => client.submit(url, { mode: 'sync' }));
    expect(hits).toBe(0);
    await withClient(options, (client) => client.submit(url));
    expect(hits).toBe(1);
  });

  it('reads from no stream to know its length', async () => {
    let opened = 0;
    const source: AudioSource = fromStream(() => {
      opened += 1;
      return new Blob([new Uint8Array(wav)]).stream();
    });
    await withClient({}, async (client) => {
      const { decision } = await client.submit(source);
      expect(decision.facts.durationSeconds).toBeUndefined();
    });
    expect(opened).toBe(1);
  });
});
