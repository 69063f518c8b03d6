import { startServer } from './test/bench/processes.mjs';
import { openSessions } from './test/bench/processes/live-sessions.mjs';
import { FRAME_MS, frameDueAt, sharedNow } from './test/bench/frames.mjs';
import { Session } from 'node:inspector/promises';
import { writeFileSync } from 'node:fs';
const side = process.argv[2];
const server = await startServer('live-sink.mjs');
const sessions = await openSessions(side, server.url, 500);
const session = 0;
function sendFrames(n) { const count = n * sessions.length, sp = FRAME_MS / sessions.length, first = sharedNow() + 1; return new Promise((res) => { let next = 0; const f = () => { const now = sharedNow(); for (; next < count && first + next * sp <= now; next++) sessions[next % sessions.length].send(frameDueAt(first + next * sp)); if (next < count) setTimeout(f, 1); else res(); }; f(); }); }
await sendFrames(25);
const r0 = process.resourceUsage(); const c = process.cpuUsage(); const t = performance.now();
await sendFrames(500);
const u = process.cpuUsage(c); const r1 = process.resourceUsage();
console.log('faults', r1.minorPageFault - r0.minorPageFault, 'vol', r1.voluntaryContextSwitches - r0.voluntaryContextSwitches, 'invol', r1.involuntaryContextSwitches - r0.involuntaryContextSwitches, 'rss', (process.memoryUsage().rss/1e6).toFixed(0)); console.log(side, 'cpu%', ((u.user + u.system) / 10 / (performance.now() - t)).toFixed(1), 'user', (u.user / 10 / (performance.now() - t)).toFixed(1));
process.exit();
