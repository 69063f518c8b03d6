// @ts-check
// `streams` live sessions, each with a frame every 20 ms. Reports the process's CPU time and the time spent.
import { FRAME_MS, frameDueAt, sharedNow } from '../frames.mjs';
import { parameters, report } from '../processes.mjs';
import { openSessions } from './live-sessions.mjs';

/** Before the measurement, so that the code is compiled. */
const WARM_UP_FRAMES = 25;

const { side, url, streams, seconds } = parameters();
const sessions = await openSessions(side, url, streams);
await sendFrames(WARM_UP_FRAMES);

const frames = Math.round((seconds * 1000) / FRAME_MS);
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await sendFrames(frames);
const { user, system } = process.cpuUsage(cpuBefore);
const wallMs = performance.now() - startedAt;
await Promise.all(sessions.map((session) => session.finish()));
report({ cpuMs: (user + system) / 1000, wallMs, sentFrames: streams * (frames + WARM_UP_FRAMES) });

/**
 * Sends each frame when it is due, or at once where that is past. The streams are spread over the 20 ms.
 *
 * @param {number} framesPerStream
 * @returns {Promise<void>}
 */
function sendFrames(framesPerStream) {
  const count = framesPerStream * sessions.length;
  const spacingMs = FRAME_MS / sessions.length;
  const firstAt = sharedNow() + 1;
  return new Promise((resolve) => {
    let next = 0;
    const sendDue = () => {
      const now = sharedNow();
      for (; next < count && firstAt + next * spacingMs <= now; next += 1) {
        sessions[next % sessions.length]?.send(frameDueAt(firstAt + next * spacingMs));
      }
      if (next < count) setTimeout(sendDue, 1);
      else resolve();
    };
    sendDue();
  });
}
