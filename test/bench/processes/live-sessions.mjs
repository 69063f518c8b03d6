// @ts-check
import { libraryClient, rawSdk } from './clients.mjs';

/**
 * @typedef {object} LiveSide
 * @property {(frame: Uint8Array) => void} send
 * @property {() => Promise<unknown>} finish
 */

/** @typedef {LiveSide & { reconnects: () => number }} ReconnectingSide */

/** Opened so many at a time: a listening socket's queue is short. */
const OPENED_TOGETHER = 50;

const FORMAT = { model: 'nova-3', encoding: 'linear16', sample_rate: 16_000 };

/**
 * Opens `count` live sessions, all of them connected when it resolves.
 *
 * @param {'ours' | 'sdk'} side
 * @param {string} url
 * @param {number} count
 * @returns {Promise<LiveSide[]>}
 */
export async function openSessions(side, url, count) {
  const open = side === 'ours' ? libraryOpener(url) : sdkOpener(url);
  /** @type {LiveSide[]} */
  const sessions = [];
  while (sessions.length < count) {
    const size = Math.min(OPENED_TOGETHER, count - sessions.length);
    sessions.push(...(await Promise.all(Array.from({ length: size }, open))));
  }
  return sessions;
}

/**
 * Opens one live session whose connection will be broken. `tag` tells the sink which one it is.
 *
 * @param {'ours' | 'sdk'} side
 * @param {string} url
 * @param {string} tag
 * @returns {Promise<ReconnectingSide>}
 */
export function openReconnecting(side, url, tag) {
  return side === 'ours' ? libraryOpener(url, { tag })() : sdkOpener(url, { tag })();
}

/**
 * @param {string} url
 * @param {{ tag?: string }} [options]
 */
function libraryOpener(url, options = {}) {
  // The default of 50 is the service's own limit, which the sink does not have.
  const client = libraryClient(url, { limits: { maxConcurrentStreams: 10_000 } });
  return async () => {
    const live = client.stream({ ...FORMAT, ...options });
    let reconnects = 0;
    live.on('reconnected', () => {
      reconnects += 1;
    });
    await new Promise((resolve, reject) => {
      live.on('open', resolve);
      live.on('error', ({ error }) => reject(error));
    });
    return {
      send: (/** @type {Uint8Array} */ frame) => {
        // Need not be awaited: what fails ends the session, and its frames are counted as lost.
        void live.send(frame);
      },
      finish: () => live.finish().catch(() => undefined),
      reconnects: () => reconnects,
    };
  };
}

/**
 * @param {string} url
 * @param {{ tag?: string }} [options]
 */
function sdkOpener(url, options = {}) {
  const { v1 } = rawSdk(url).listen;
  return async () => {
    const socket = await v1.connect({ ...FORMAT, ...options });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    let opened = 0;
    socket.on('open', () => {
      opened += 1;
    });
    const texts = [];
    socket.on('message', (message) => {
      if (message.type === 'Results') texts.push(message.channel.alternatives[0]?.transcript);
    });
    socket.connect();
    await socket.waitForOpen();
    return {
      send: (/** @type {Uint8Array} */ frame) => socket.sendMedia(frame),
      finish: () => {
        socket.sendCloseStream({ type: 'CloseStream' });
        return closed;
      },
      reconnects: () => opened - 1,
    };
  };
}
