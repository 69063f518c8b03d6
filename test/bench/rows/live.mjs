// @ts-check
import { figure } from '../figure.mjs';
import { DROPPED_STREAMS, DROPS_PER_STREAM } from '../processes/live-drop-settings.mjs';
import { measureIn, startServer } from '../processes.mjs';
import { interleave, median, medianRatio, percentile } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const STREAMS = 500;
const SECONDS = 20;
const IDLE_STREAMS = 200;

/** Later than this, audio is no longer live. */
const OVERLOAD_MS = 1000;

/** @type {Row} */
export const liveLoad = {
  id: 'P7',
  async run({ rounds = 3 }) {
    const server = await startServer('live-sink.mjs');
    try {
      const side = (/** @type {string} */ name) => () => loadOnce(server, name);
      const { ours, rivals } = await interleave(rounds, side('ours'), side('sdk'));
      return loadFigures(ours, rivals);
    } finally {
      await server.close();
    }
  },
};

/**
 * @typedef {object} Load
 * @property {number} cpuMs
 * @property {number} latenessP99 Milliseconds from when a frame was due to when the sink had it.
 * @property {number} lost Frames.
 * @property {number} reached Streams that this rate of frames would have kept up with.
 */

/**
 * @param {import('../processes.mjs').BenchServer} server
 * @param {string} side
 * @returns {Promise<Load>}
 */
async function loadOnce(server, side) {
  const sent = await measureIn('live-load.mjs', {
    side,
    url: server.url,
    streams: STREAMS,
    seconds: SECONDS,
  });
  const received = await server.ask('figures');
  return {
    cpuMs: sent.cpuMs,
    latenessP99: received.latenessP99,
    lost: sent.sentFrames - received.frames,
    reached: Math.floor(STREAMS * Math.min(1, (SECONDS * 1000) / sent.wallMs)),
  };
}

/**
 * @param {Load[]} ours
 * @param {Load[]} rivals
 */
function loadFigures(ours, rivals) {
  const cpu = (/** @type {Load[]} */ loads) => loads.map(({ cpuMs }) => cpuMs);
  const lateness = (/** @type {Load[]} */ loads) => loads.map(({ latenessP99 }) => latenessP99);
  const lost = (/** @type {Load[]} */ loads) => loads.reduce((sum, load) => sum + load.lost, 0);
  const share = (/** @type {Load[]} */ loads) =>
    `${Math.round(median(cpu(loads)) / (SECONDS * 10))}% of a core`;
  const rival = '@deepgram/sdk';
  return [
    figure({
      name: 'P7',
      title: `${STREAMS} live streams for ${SECONDS} s: CPU of the client`,
      value: medianRatio(cpu(ours), cpu(rivals)),
      unit: 'ratio',
      rival,
      bar: '<= 1.1',
      ours: share(ours),
      theirs: share(rivals),
      note: overload([...ours, ...rivals]),
    }),
    figure({
      name: 'P7 lateness',
      title: 'The same: lateness of a frame at the server, p99',
      value: medianRatio(lateness(ours), lateness(rivals)),
      unit: 'ratio',
      rival,
      bar: '<= 1.2',
      ours: `${median(lateness(ours)).toFixed(1)} ms`,
      theirs: `${median(lateness(rivals)).toFixed(1)} ms`,
    }),
    figure({
      name: 'P7 lost',
      title: 'The same: frames lost, all rounds',
      value: lost(ours),
      unit: 'frames',
      rival,
      bar: '<= 0',
      ours: String(lost(ours)),
      theirs: String(lost(rivals)),
    }),
  ];
}

/** @param {Load[]} loads */
function overload(loads) {
  if (loads.every(({ latenessP99 }) => latenessP99 < OVERLOAD_MS)) return '';
  const reached = Math.min(...loads.map((load) => load.reached));
  return `${STREAMS} streams overload this machine: it kept up with about ${reached}.`;
}

/** @type {Row} */
export const idleMemory = {
  id: 'P8',
  async run({ rounds = 3 }) {
    const server = await startServer('live-sink.mjs');
    try {
      const side = (/** @type {string} */ name) => async () => {
        const idle = { side: name, url: server.url, streams: IDLE_STREAMS };
        return (await measureIn('live-idle.mjs', idle, ['--expose-gc'])).bytes / 1000;
      };
      const { ours, rivals } = await interleave(rounds, side('ours'), side('ws'));
      return [
        figure({
          name: 'P8',
          title: 'Memory of an idle live stream, above a raw connection',
          value: median(ours.map((kilobytes, round) => kilobytes - (rivals[round] ?? Number.NaN))),
          unit: 'kB',
          rival: 'ws',
          bar: '<= 40',
          ours: `${median(ours).toFixed(1)} kB`,
          theirs: `${median(rivals).toFixed(1)} kB`,
          note: 'No audio was sent, so the replay buffer is empty.',
        }),
      ];
    } finally {
      await server.close();
    }
  },
};

/** @type {Row} */
export const reconnects = {
  id: 'P11',
  // The SDK draws its pause, of 1 to 5 s, once in a process.
  async run({ rounds = 5 }) {
    const server = await startServer('live-drop-sink.mjs');
    try {
      const side = (/** @type {string} */ name) => () => outagesOf(server, name);
      const { ours, rivals } = await interleave(rounds, side('ours'), side('sdk'));
      const [own, theirs] = [ours.flat(), rivals.flat()];
      const shown = (/** @type {number[]} */ outages) =>
        `p50 ${percentile(outages, 0.5).toFixed(2)} s, p95 ${percentile(outages, 0.95).toFixed(2)} s`;
      return [
        figure({
          name: 'P11',
          title: 'Dropped connection until audio flows again, p95',
          value: percentile(own, 0.95),
          unit: 's',
          rival: '@deepgram/sdk',
          bar: '<= 1',
          ours: shown(own),
          theirs: shown(theirs),
          note: `${own.length} drops; the server takes connections all the time.`,
        }),
      ];
    } finally {
      await server.close();
    }
  },
};

/**
 * @param {import('../processes.mjs').BenchServer} server
 * @param {string} side
 * @returns {Promise<number[]>} Seconds.
 */
async function outagesOf(server, side) {
  await measureIn('live-drops.mjs', { side, url: server.url });
  const { outages } = await server.ask('figures');
  const expected = DROPPED_STREAMS * DROPS_PER_STREAM;
  if (outages.length !== expected) throw new Error(`${outages.length} drops instead of ${expected}.`);
  return outages.map((/** @type {number} */ milliseconds) => milliseconds / 1000);
}
