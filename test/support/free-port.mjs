// @ts-check
import { createServer } from 'node:net';

/** @import { AddressInfo } from 'node:net' */

/** A port of loopback that nobody listens on. Somebody may before you do. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = /** @type {AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
