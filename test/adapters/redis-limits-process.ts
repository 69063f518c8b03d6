import { createInterface } from 'node:readline';
import { RedisLimits } from '../../src/adapters/redis/limits.js';
import { type RedisLimitsOptions, resolveRedisLimits } from '../../src/adapters/redis/options.js';
import type { LimitLease } from '../../src/contracts/limits.js';
import { systemClock } from '../../src/internal/system-clock.js';

/** Limits in a process of their own. It does what it is told, and says what came of it. */
export interface LimitsProcessOptions {
  readonly limits: RedisLimitsOptions;
  readonly windowMs: number;
  /** What the wall clock of this process is wrong by. */
  readonly wallShiftMs: number;
  /** Where the load goes. */
  readonly target: string;
}

const KEY = { project: 'project', endpoint: 'endpoint', mode: 'sync' } as const;

const options = JSON.parse(process.argv[2] ?? '') as LimitsProcessOptions;
const clock = { ...systemClock, wallMs: () => Date.now() + options.wallShiftMs };
const limits = new RedisLimits(resolveRedisLimits({ ...options.limits, clock }), options.windowMs);
const held: LimitLease[] = [];
let isStopped = false;
let loops: Promise<unknown> = Promise.resolve();

function take(): Promise<LimitLease> {
  return limits.acquire(KEY, { priority: 0, signal: new AbortController().signal });
}

async function load(): Promise<void> {
  while (!isStopped) {
    const lease = await take();
    await fetch(`${options.target}/${process.pid}`).then((response) => response.text());
    lease.release();
  }
}

async function keep(): Promise<void> {
  held.push(await take());
  console.log(`took ${held.length}`);
}

async function obey(command: string, count: number): Promise<void> {
  if (command === 'load') {
    loops = Promise.all(Array.from({ length: count }, load));
  } else if (command === 'take') {
    for (let index = 0; index < count; index++) await keep();
  } else if (command === 'release') {
    for (const lease of held.splice(0)) lease.release();
    console.log('released');
  } else if (command === 'stop') {
    isStopped = true;
    await loops;
    await limits.close();
    console.log('stopped');
    process.exit(0);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command = '', count = '0'] = line.split(' ');
  obey(command, Number(count)).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
console.log(`pid ${process.pid}`);
