#!/usr/bin/env node
// @ts-check
// Starts what the app needs: Next.js, the bridge, and without a key a stand-in for Deepgram. `dev` or `start`.
import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { startEmulator } from './emulator.mjs';

/** @import { ChildProcess } from 'node:child_process' */

const here = import.meta.dirname;
const [mode = 'start'] = process.argv.slice(2);
const { PORT = '3000', HOST = '127.0.0.1', BRIDGE_PORT = '3001', DEEPGRAM_API_KEY } = process.env;

const emulator = DEEPGRAM_API_KEY ? undefined : await startEmulator();
console.log(
  emulator === undefined
    ? 'DEEPGRAM_API_KEY is set: this uses Deepgram, and Deepgram bills it.'
    : 'DEEPGRAM_API_KEY is not set: this uses the Deepgram emulator. Nothing leaves this machine.',
);

/** What is set already stays. */
const env = {
  BRIDGE_URL: `ws://${HOST}:${BRIDGE_PORT}/stream`,
  APP_ORIGINS: [`http://${HOST}:${PORT}`, `http://localhost:${PORT}`].join(','),
  STREAM_SECRET: randomBytes(32).toString('base64url'),
  SAMPLE_URL: 'https://dpgr.am/spacewalk.wav',
  NEXT_TELEMETRY_DISABLED: '1',
  ...process.env,
  HOST,
  BRIDGE_PORT,
  ...(emulator && {
    DEEPGRAM_API_KEY: 'emulator',
    DEEPGRAM_ENDPOINT: emulator.url,
    SAMPLE_URL: emulator.sampleUrl,
  }),
};

/** @type {ChildProcess[]} */
const children = [];
let isStopping = false;

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

const bridge = watch(fork(join(here, 'bridge.mjs'), { cwd: here, env }), 'The bridge');
await once(bridge, 'message');
const next = join(here, 'node_modules/next/dist/bin/next');
watch(
  spawn(process.execPath, [next, mode, '--port', PORT, '--hostname', HOST], {
    cwd: here,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  }),
  'Next.js',
);

/**
 * One without the other is of no use.
 *
 * @param {ChildProcess} child
 * @param {string} name
 */
function watch(child, name) {
  children.push(child);
  child.once('exit', (code) => {
    if (isStopping) return;
    console.error(`${name} has ended.`);
    process.exitCode = code || 1;
    void stop();
  });
  return child;
}

async function stop() {
  if (isStopping) return;
  isStopping = true;
  await Promise.all(children.map(end));
  await emulator?.close();
  console.log('Closed');
}

/**
 * @param {ChildProcess} child
 */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
