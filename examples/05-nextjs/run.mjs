#!/usr/bin/env node
// @ts-check
// Starts what the app needs: Next.js, the bridge, and without a key a stand-in for Deepgram. `dev` or `start`.
import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { EMULATOR_HOST, startEmulator } from './emulator.mjs';
import { requireFreePorts } from './ports.mjs';
import { createProcesses } from './processes.mjs';

const here = import.meta.dirname;
const [mode = 'start'] = process.argv.slice(2);
const {
  PORT = '3000',
  HOST = '127.0.0.1',
  BRIDGE_PORT = '3001',
  EMULATOR_PORT = '3002',
  DEEPGRAM_API_KEY,
} = process.env;

await requireFreePorts([
  { name: 'PORT', port: PORT, host: HOST },
  { name: 'BRIDGE_PORT', port: BRIDGE_PORT, host: HOST },
  ...(DEEPGRAM_API_KEY ? [] : [{ name: 'EMULATOR_PORT', port: EMULATOR_PORT, host: EMULATOR_HOST }]),
]);

const emulator = DEEPGRAM_API_KEY ? undefined : await startEmulator(Number(EMULATOR_PORT));
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
    // Any key will do. A word would be taken out of every message that has it, as a key is.
    DEEPGRAM_API_KEY: randomBytes(20).toString('hex'),
    DEEPGRAM_ENDPOINT: emulator.url,
    SAMPLE_URL: emulator.sampleUrl,
  }),
};

const processes = createProcesses(() => emulator?.close());
const bridge = processes.add(fork(join(here, 'bridge.mjs'), { cwd: here, env }), 'The bridge');
await Promise.race([once(bridge, 'message'), once(bridge, 'exit')]);
if (!processes.isStopping()) {
  const next = join(here, 'node_modules/next/dist/bin/next');
  processes.add(
    spawn(process.execPath, [next, mode, '--port', PORT, '--hostname', HOST], {
      cwd: here,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
    'Next.js',
  );
}
