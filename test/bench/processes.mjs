// @ts-check
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Longer than any measurement takes. */
const TIMEOUT_MS = 120_000;

/**
 * @typedef {object} BenchServer
 * @property {string} url
 * @property {(question: string) => Promise<any>} ask
 * @property {() => Promise<void>} close
 */

/**
 * Starts a server of this folder's `processes/` in a process of its own. Its first message is `{ url }`.
 *
 * @param {string} script
 * @returns {Promise<BenchServer>}
 */
export async function startServer(script) {
  const child = start(script, {}, []);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const { url } = await nextMessage(child, script).catch((error) => {
    child.kill();
    throw error;
  });
  return {
    url,
    ask(question) {
      const answer = nextMessage(child, script);
      child.send(question);
      return answer;
    },
    async close() {
      child.kill();
      await exited;
    },
  };
}

/**
 * Runs one measurement in a process of its own and returns what it reports.
 *
 * @param {string} script
 * @param {Record<string, unknown>} parameters
 * @param {string[]} [nodeArguments]
 * @returns {Promise<any>}
 */
export async function measureIn(script, parameters, nodeArguments = []) {
  const child = start(script, parameters, nodeArguments);
  try {
    return await nextMessage(child, script);
  } finally {
    child.kill();
  }
}

/**
 * @param {string} script
 * @param {Record<string, unknown>} parameters
 * @param {string[]} execArgv
 */
function start(script, parameters, execArgv) {
  const path = fileURLToPath(new URL(`processes/${script}`, import.meta.url));
  // What a process prints must not mix with the results.
  return fork(path, [JSON.stringify(parameters)], { execArgv, stdio: ['ignore', 2, 2, 'ipc'] });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} script
 * @returns {Promise<any>}
 */
function nextMessage(child, script) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error(`${script} took too long.`)), TIMEOUT_MS);
    /** @param {unknown} message */
    const onMessage = (message) => settle(undefined, message);
    /** @param {number | null} code */
    const onExit = (code) => settle(new Error(`${script} ended with exit code ${code}.`));
    /**
     * @param {Error | undefined} error
     * @param {unknown} [message]
     */
    function settle(error, message) {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      if (error) reject(error);
      else resolve(message);
    }
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

/** The parameters that a process was started with. From then on it ends with the process that started it. */
export function parameters() {
  process.once('disconnect', () => process.exit());
  return JSON.parse(process.argv[2] ?? '{}');
}

/**
 * Hands the result to the process that asked for it.
 *
 * @param {unknown} result
 */
export function report(result) {
  process.send?.(result);
}
