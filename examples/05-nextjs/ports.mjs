// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';

/** @import { Server } from 'node:net' */

/**
 * @typedef {object} Place Where somebody is to listen.
 * @property {string} name Of the setting of its port.
 * @property {string} port
 * @property {string} host
 */

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
  EADDRINUSE: 'is taken',
  EACCES: 'may not be used',
  ERR_SOCKET_BAD_PORT: 'does not exist',
};

/**
 * Ends the process with a sentence where somebody would fail to listen later on.
 *
 * @param {readonly Place[]} places
 */
export async function requireFreePorts(places) {
  /** @type {Server[]} */
  const servers = [];
  for (const place of places) {
    const server = createServer();
    try {
      server.listen(Number(place.port), place.host);
      await once(server, 'listening');
    } catch (error) {
      console.error(sentenceOf(/** @type {NodeJS.ErrnoException} */ (error), place));
      process.exit(1);
    }
    // Until all are there, so that none of them is another one.
    servers.push(server);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
}

/**
 * @param {NodeJS.ErrnoException} error
 * @param {Place} place
 */
function sentenceOf({ code = '', syscall, message }, { name, port, host }) {
  if (syscall === 'getaddrinfo' || code === 'EADDRNOTAVAIL') {
    return `${host} is no address of this machine. Set HOST to one that is.`;
  }
  return `Port ${port} ${REASONS[code] ?? `fails: ${message}`}. Set ${name} to another one.`;
}
