import type { LimitsAdapter } from '../../contracts/limits.js';
import { TranscriptionError } from '../../errors/index.js';
import { type RedisLimitsOptions, resolveRedisLimits } from './options.js';

export type { RedisClusterOption, RedisInstance, RedisLimitsOptions } from './options.js';

export function createRedisLimits(options: RedisLimitsOptions): LimitsAdapter {
  resolveRedisLimits(options);
  return {
    acquire: async () => {
      throw new TranscriptionError('Not yet.', { code: 'internal' });
    },
  };
}
