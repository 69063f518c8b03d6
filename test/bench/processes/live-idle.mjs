// @ts-check
// Reports the memory that one idle connection holds, in bytes. Needs --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { parameters, report } from '../processes.mjs';
import { openSessions } from './live-sessions.mjs';

/** Opened and kept before the measurement: the code and its tables are in memory then. */
const WARM_UP_STREAMS = 20;

const SETTLE_MS = 300;

const { side, url, streams } = parameters();
const kept = [await open(WARM_UP_STREAMS)];
const before = await heldBytes();
kept.push(await open(streams));
const after = await heldBytes();
if (kept.flat().length !== WARM_UP_STREAMS + streams) throw new Error('A stream is missing.');
report({ bytes: (after - before) / streams });

/**
 * @param {number} count
 * @returns {Promise<readonly unknown[]>}
 */
function open(count) {
  return side === 'ours' ? openSessions('ours', url, count) : openSockets(count);
}

/** @param {number} count */
async function openSockets(count) {
  const sockets = [];
  while (sockets.length < count) {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    sockets.push(socket);
  }
  return sockets;
}

async function heldBytes() {
  // What is freed in the background needs a moment and another collection.
  for (let pass = 0; pass < 3; pass += 1) {
    globalThis.gc?.();
    await sleep(SETTLE_MS);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
