// @ts-check
// Live sessions with a frame every 20 ms, until each has connected again as often as its connection is broken.
import { setTimeout as sleep } from 'node:timers/promises';
import { FRAME_BYTES, FRAME_MS } from '../frames.mjs';
import { parameters, report } from '../processes.mjs';
import { DROPPED_STREAMS, DROPS_PER_STREAM } from './live-drop-settings.mjs';
import { openReconnecting } from './live-sessions.mjs';

const { side, url } = parameters();

/** For the first audio after the last drop. */
const SETTLE_MS = 1000;

const frame = new Uint8Array(FRAME_BYTES);
const sessions = await Promise.all(
  Array.from({ length: DROPPED_STREAMS }, (_, index) => openReconnecting(side, url, `stream-${index}`)),
);
const sending = setInterval(() => {
  for (const session of sessions) sendTo(session);
}, FRAME_MS);
while (sessions.some((session) => session.reconnects() < DROPS_PER_STREAM)) await sleep(FRAME_MS);
await sleep(SETTLE_MS);
clearInterval(sending);
await Promise.all(sessions.map((session) => session.finish()));
report({ reconnects: sessions.reduce((sum, session) => sum + session.reconnects(), 0) });

/** @param {import('./live-sessions.mjs').ReconnectingSide} session */
function sendTo(session) {
  try {
    session.send(frame);
  } catch {
    // The SDK throws while it is not connected.
  }
}
