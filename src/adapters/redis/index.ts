import type { LimitsAdapter } from '../../contracts/limits.js';
import { RedisLimits } from './limits.js';
import { type RedisLimitsOptions, resolveRedisLimits } from './options.js';

export type { RedisClusterOption, RedisInstance, RedisLimitsOptions } from './options.js';

const MINUTE_MS = 60_000;

export function createRedisLimits(options: RedisLimitsOptions): LimitsAdapter {
  return new RedisLimits(resolveRedisLimits(options), MINUTE_MS);
}
