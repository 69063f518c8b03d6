import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createWebhookTargets } from '../../src/webhooks/index.js';
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.js';
import { buildScript, type Script } from '../support/script-process.js';
import { deliver } from './receiver.js';

const folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
/** Delivers in a process that takes the certificate for a good one: Node reads such a list only at its start. */
let script: Script;
let server: Server;
let port: number;
/** The names that were asked for, in the handshake and in the header. */
const asked: unknown[] = [];

beforeAll(async () => {
  script = await buildScript(new URL('./processes/deliver-tls.ts', import.meta.url));
  server = createServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (request, response) => {
    asked.push((request.socket as TLSSocket & { servername: string }).servername, request.headers.host);
    request.resume().on('end', () => response.end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
  writeFileSync(join(folder, 'certificate.pem'), CERTIFICATE);
  process.env.NODE_EXTRA_CA_CERTS = join(folder, 'certificate.pem');
});

afterAll(async () => {
  delete process.env.NODE_EXTRA_CA_CERTS;
  script.dispose();
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  asked.length = 0;
});

it('is spoken with the name of the URL, at the address that was judged', async () => {
  const lines = await script.start(`https://hooks.example.com:${port}/a`).finished();
  expect(lines).toEqual(['delivered 200 undefined']);
  expect(asked).toEqual(['hooks.example.com', `hooks.example.com:${port}`]);
});

it('is not spoken with a certificate of another name', async () => {
  const lines = await script.start(`https://other.example.com:${port}/a`).finished();
  expect(lines).toEqual(['failed undefined ERR_TLS_CERT_ALTNAME_INVALID']);
  expect(asked).toEqual([]);
});

it('is not spoken with a certificate that nobody vouches for', async () => {
  const targets = createWebhookTargets({ allow: ['127.0.0.0/8'], resolve: async () => ['127.0.0.1'] });
  const delivery = await deliver(`https://hooks.example.com:${port}/a`, { targets });
  expect(delivery).toEqual({ outcome: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT', durationMs: 0 });
  expect(asked).toEqual([]);
});
