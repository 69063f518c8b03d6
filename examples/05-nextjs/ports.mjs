// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

/** @import { Server } from 'node:net' */

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
  EADDRINUSE: 'is taken',
  EACCES: 'may not be used',
  ERR_SOCKET_BAD_PORT: 'does not exist',
};

/**
 * Ends the process with a sentence where somebody would fail to listen later on.
 *
 * @param {Readonly<Record<string, string>>} ports By the name of their setting.
 * @param {string} host
 */
export async function requireFreePorts(ports, host) {
  /** @type {Server[]} */
  const servers = [];
  for (const [name, port] of Object.entries(ports)) {
    const server = createServer();
    try {
      server.listen(Number(port), host);
      await once(server, 'listening');
    } catch (error) {
      const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
      console.error(`Port ${port} ${REASONS[code] ?? `fails: ${message}`}. Set ${name} to another one.`);
      process.exit(1);
    }
    // Until all are there, so that none of them is another one.
    servers.push(server);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
}
