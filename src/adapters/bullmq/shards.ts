import type { RedisSettings } from './options.js';

const SLOTS = 16_384;

/** The shard of a job. FNV-1a: it must be the same in every process and version. */
export function shardOf(jobId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < jobId.length; index += 1) {
    hash = Math.imul(hash ^ jobId.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash % shards;
}

/**
 * The prefix of each shard. Those of more than one have a hash tag each, chosen so that they lie evenly on the slots of
 * a cluster: as many masters as shards have one each, where the slots are shared out in their order.
 */
export function shardPrefixes({
  prefix,
  shards,
}: Pick<RedisSettings, 'prefix' | 'shards'>): readonly string[] {
  if (shards === 1) return [prefix];
  const tag = hashTag(prefix);
  const prefixes: string[] = [];
  for (let number = 0; prefixes.length < shards; number += 1) {
    const numbered = `${tag ?? prefix}-${number}`;
    if (Math.floor((slotOf(numbered) * shards) / SLOTS) !== prefixes.length) continue;
    prefixes.push(tag === undefined ? `{${numbered}}` : prefix.replace(`{${tag}}`, `{${numbered}}`));
  }
  return prefixes;
}

export function hasHashTag(prefix: string): boolean {
  return hashTag(prefix) !== undefined;
}

/** The part of a key that decides on which node it lies: what is between the first brace and the next closing one. */
function hashTag(key: string): string | undefined {
  return /^[^{]*\{([^}]+)\}/.exec(key)?.[1];
}

/** CRC-16/XMODEM, as Redis has it. */
function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}
