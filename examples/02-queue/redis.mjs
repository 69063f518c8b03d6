// @ts-check
// A Redis for one run of the example: on loopback, with its data in a folder of its own.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { start } from './processes.mjs';

/** @import { AddressInfo } from 'node:net' */

/** @param {string} folder */
export async function startRedis(folder) {
  const port = await freePort();
  const settings = {
    port: `${port}`,
    bind: '127.0.0.1',
    dir: folder,
    // As a queue needs it: nothing is dropped when memory is full, and a crash costs a second at most.
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  try {
    const server = await start('redis', 'redis-server', parameters, { isShown: false });
    await server.printed(/Ready to accept connections/);
    return { url: `redis://127.0.0.1:${port}`, stop: () => server.stop() };
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'ENOENT') throw error;
    throw new Error(
      'redis-server is missing. Install it: `npm run setup` as root, `sudo apt-get install redis-server`, or ' +
        '`brew install redis`.',
    );
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
