import type { LimitsAdapter } from '../../contracts/limits.js';
import { RedisLimits } from './limits.js';
import { type RedisLimitsOptions, resolveRedisLimits } from './options.js';

export type { RedisClusterOption, RedisInstance, RedisLimitsOptions } from './options.js';

const MINUTE_MS = 60_000;

/**
 * Limits that processes share through Redis (5 or later), alone, behind Sentinel, or as a Cluster. Needs the
 * package ioredis.
 *
 * ```ts
 * const limits = createRedisLimits({ connection: 'redis://127.0.0.1:6379', maxConcurrent: 50 });
 * const client = new TranscriptionClient({ limits });
 * ```
 *
 * **Places** are leases in Redis, on Redis's own clock: the clocks of the processes do not matter. A lease is
 * renewed every third of `leaseMs`. The places of a process that died come back when its leases end. A process
 * that could not renew for so long goes on with the requests that it has, as nothing here ends a request; until
 * they are over, there may be more of them than places. It counts them again as soon as it is back, and starts
 * nothing with a place that it was given before. So choose `leaseMs` longer than pauses that may happen.
 *
 * **Waiting**: smaller priorities first, within a process. Between processes the places go round: those with
 * callers that wait stand in a line in Redis, the first is given the place, and goes to the end if it has more
 * callers. One that does not ask for a second keeps its turn, and holds nobody up meanwhile. A place that comes
 * free wakes the process whose turn it is; a message that gets lost costs 200 ms.
 *
 * **Without Redis**, `whenUnavailable: 'local'` gives each process the limits divided by the number of processes
 * that used them within the last lease, so that together they stay within the limits; a process that never
 * reached Redis takes a tenth; at least 1. What ran, or started within the minute, before the outage counts only
 * in its own process, so the sum may be above the limits until it is over. When Redis is back, what runs is told
 * first. A Redis that has lost its data is noticed, and gives nothing out for a second until all have told.
 *
 * Rejects with a NetworkError (`network`, may be retried) where Redis cannot serve and `whenUnavailable` is
 * `reject`; with a BadRequestError (`invalid_option`) where it refuses the user, the password or the scripts, or
 * where ioredis is not installed. Throws a BadRequestError for a wrong option.
 *
 * `close()` ends its connections, of which it has two, and has to be called for the process to end.
 */
export function createRedisLimits(options: RedisLimitsOptions): LimitsAdapter {
  return new RedisLimits(resolveRedisLimits(options), MINUTE_MS);
}
