// @ts-check
// Processes of which one without the others is of no use: they end together.
import { once } from 'node:events';

/** @import { ChildProcess } from 'node:child_process' */

/** Longer than the bridge takes to close. */
const DEADLINE_MS = 8000;
/** Some shells get a Ctrl-C twice: from the terminal, and from npm, which has it from the terminal too. */
const SAME_SIGNAL_MS = 1000;
const PARENT_CHECK_MS = 500;

/**
 * The first signal ends them in order, a second one at once.
 *
 * @param {() => unknown} onEnd When all have ended.
 */
export function createProcesses(onEnd) {
  /** @type {Map<ChildProcess, string>} */
  const running = new Map();
  /** @type {number | undefined} */
  let stoppedAt;

  /**
   * @param {ChildProcess} child
   * @param {string} name
   */
  function add(child, name) {
    running.set(child, name);
    child.once('exit', (code) => {
      running.delete(child);
      if (stoppedAt !== undefined) return;
      console.error(`${name} has ended.`);
      process.exitCode = code || 1;
      void stop();
    });
    return child;
  }

  async function stop() {
    if (stoppedAt !== undefined) return;
    stoppedAt = performance.now();
    const deadline = setTimeout(kill, DEADLINE_MS);
    await Promise.all([...running.keys()].map(end));
    clearTimeout(deadline);
    await onEnd();
    console.log('Closed');
  }

  function kill() {
    for (const [child, name] of running) {
      console.error(`${name} is killed.`);
      child.kill('SIGKILL');
    }
  }

  function onSignal() {
    if (stoppedAt === undefined) void stop();
    else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) kill();
  }

  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env.npm_lifecycle_event !== undefined) watchParent(stop);

  return { add, isStopping: () => stoppedAt !== undefined };
}

/** @param {ChildProcess} child */
async function end(child) {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/**
 * npm gives a SIGTERM to its shell alone, which ends and leaves us behind.
 *
 * @param {() => unknown} onGone
 */
function watchParent(onGone) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, PARENT_CHECK_MS).unref();
}
