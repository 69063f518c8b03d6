import type { Client } from './connections.js';

/**
 * A marker that goes with the data, and the id that a server gives itself when it starts. Run where the keys of the
 * shard are, on whichever node that is.
 */
export const EPOCH = {
  name: 'transcriptionEpoch',
  numberOfKeys: 1,
  lua: `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
return { redis.call('GET', KEYS[1]), run }
`,
} as const;

export async function redisEpoch(client: Client, prefixes: readonly string[], name: string): Promise<string> {
  const command = (client as unknown as Record<string, (...parameters: string[]) => Promise<string[]>>)[
    EPOCH.name
  ];
  const parts = await Promise.all(
    prefixes.map(async (prefix) => {
      const parameters = [`${prefix}:${name}:epoch`, globalThis.crypto.randomUUID()];
      return (await command?.apply(client, parameters))?.join(':');
    }),
  );
  return parts.join(',');
}
