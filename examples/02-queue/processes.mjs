// @ts-check
// Processes whose output can be waited for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const LONGEST_WAIT_MS = 30_000;

/**
 * @typedef {object} Running
 * @property {(pattern: RegExp, count?: number) => Promise<string[]>} printed Lines that match, once there are so many.
 * @property {(signal?: NodeJS.Signals) => Promise<string>} stop Ends it; resolves to how it ended.
 * @property {() => Promise<string>} ended
 */

/**
 * Shows each line that the process prints, with its name before it. Rejects where the command cannot be started.
 *
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {{ readonly environment?: NodeJS.ProcessEnv, readonly isShown?: boolean }} [options]
 * @returns {Promise<Running>}
 */
export async function start(name, command, parameters, { environment = process.env, isShown = true } = {}) {
  const child = spawn(command, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  await once(child, 'spawn');
  /** @type {string[]} */
  const lines = [];
  const news = new EventTarget();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (isShown) console.log(`[${name}] ${line}`);
      news.dispatchEvent(new Event('line'));
    });
  }
  void exited.then(() => news.dispatchEvent(new Event('line')));

  return {
    async printed(pattern, count = 1) {
      const late = AbortSignal.timeout(LONGEST_WAIT_MS);
      for (;;) {
        const found = lines.filter((line) => pattern.test(line));
        if (found.length >= count) return found;
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (isOver || late.aborted) throw new Error(`${name} did not print ${pattern} ${count} times.`);
        await new Promise((resolve) => {
          news.addEventListener('line', resolve, { once: true });
          late.addEventListener('abort', resolve, { once: true });
        });
      }
    },
    ended: () => exited,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}
