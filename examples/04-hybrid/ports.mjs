// @ts-check
// A setting that is wrong ends the process with a sentence.

/** @type {Readonly<Record<string, string>>} */
const REASONS = { EADDRINUSE: 'is taken', EACCES: 'may not be used' };

/**
 * @param {string} name Of the setting.
 * @param {string} text Its value.
 * @returns {number}
 */
export function portOf(name, text) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  return giveUp(`Port ${text} does not exist. Set ${name} to another one.`);
}

/**
 * What to do where nobody can listen there.
 *
 * @param {{ readonly name: string, readonly port: number, readonly host?: string }} place Name: of the port's setting.
 * @returns {(error: NodeJS.ErrnoException) => never}
 */
export function explainListening({ name, port, host }) {
  return (error) => {
    const { code = '', syscall } = error;
    if (syscall === 'getaddrinfo' || code === 'EADDRNOTAVAIL') {
      giveUp(`${host} is no address of this machine. Set HOST to one that is.`);
    }
    const reason = REASONS[code];
    if (reason === undefined) throw error;
    return giveUp(`Port ${port} ${reason}. Set ${name} to another one.`);
  };
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function giveUp(sentence) {
  console.error(sentence);
  process.exit(1);
}
