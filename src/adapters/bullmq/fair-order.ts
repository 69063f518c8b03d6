import type { Client } from './connections.js';

/**
 * The order of entries with a group, within one priority: groups take turns.
 *
 * BullMQ keeps entries with a priority in a sorted set, by `priority * 2^32 + counter`. The counter of an entry with a
 * group is replaced by a start number here: that of its group's last one and 1 more, or that of the row where the
 * group was idle. So the n-th entries of all groups stand together, whoever came first. A group that was idle gets a
 * credit, with which a few entries of it go ahead of a long row.
 *
 * Invariants:
 * - What is added is placed once. What BullMQ itself puts back, after a delay or a retry, comes by its counter ahead of
 *   the row, because start numbers begin above any counter. Without ids the script places all of that like new entries
 *   of their groups, but for those with the counter 0: they go first.
 * - The number of the row never falls while there is a row. Ten entries that go ahead by their credit push it forward
 *   by one: a stream of ever new groups cannot hold up the others for good.
 * - What is known of groups goes with the row, or a week later, and that of an idle group as soon as its credit is
 *   full again.
 */
export const FAIR_ORDER = {
  name: 'transcriptionFairOrder',
  numberOfKeys: 3,
  lua: `
local row, groups, state = KEYS[1], KEYS[2], KEYS[3]
local prefix, floor = ARGV[1], tonumber(ARGV[2]) * 0x100000000
local START, CREDIT, LAST, KEPT_S = 0x80000000, 100, 0xffffffff, 604800

local fresh, groupOf = {}, {}
for index = 3, #ARGV, 2 do
  local id = ARGV[index]
  if redis.call('ZSCORE', row, id) then
    if redis.call('HSETNX', prefix .. id, 'placed', 1) == 1 then
      fresh[#fresh + 1] = id
      groupOf[#fresh] = ARGV[index + 1]
    end
  elseif redis.call('EXISTS', prefix .. id) == 1 then
    redis.call('HSETNX', prefix .. id, 'placed', 1)
  end
end
if #ARGV == 2 then
  local back = redis.call('ZRANGEBYSCORE', row, floor + 1, floor + START - CREDIT - 1, 'LIMIT', 0, 1000)
  for _, id in ipairs(back) do
    local isWhole, data = pcall(cjson.decode, redis.call('HGET', prefix .. id, 'data') or '')
    if isWhole and type(data) == 'table' and type(data.group) == 'string' then
      redis.call('HSET', prefix .. id, 'placed', 1)
      fresh[#fresh + 1] = id
      groupOf[#fresh] = data.group
    end
  end
end
if #fresh == 0 then return 0 end

local now = tonumber(redis.call('GET', state))
local isFirst = redis.call('ZCOUNT', row, floor, floor + LAST) <= #fresh
if isFirst or not now then
  redis.call('DEL', groups)
  now = START
end
local head = redis.call('ZRANGEBYSCORE', row, floor + START - CREDIT, floor + LAST, 'WITHSCORES', 'LIMIT', 0, 1)
if head[2] then now = math.max(now, tonumber(head[2]) - floor) end

local ahead, lasts, placed, ended = 0, {}, {}, {}
for index, id in ipairs(fresh) do
  local group = groupOf[index]
  local last = lasts[group] or tonumber(redis.call('ZSCORE', groups, group)) or 0
  local number = math.min(math.max(math.floor(now) - CREDIT, last + 1), LAST)
  if number < now then ahead = ahead + 1 end
  lasts[group] = number
  placed[#placed + 1] = floor + number
  placed[#placed + 1] = id
end
for group, number in pairs(lasts) do
  ended[#ended + 1] = number
  ended[#ended + 1] = group
end
-- Many in one call: a call of its own for each costs more than the rest of this.
for _, set in ipairs({ { row, placed }, { groups, ended } }) do
  for from = 1, #set[2], 1000 do
    redis.call('ZADD', set[1], unpack(set[2], from, math.min(from + 999, #set[2])))
  end
end
if not isFirst then now = now + ahead / 10 end
redis.call('SET', state, now, 'EX', KEPT_S)
redis.call('EXPIRE', groups, KEPT_S)
redis.call('ZREMRANGEBYSCORE', groups, '-inf', '(' .. (math.floor(now) - CREDIT))
return #fresh
`,
} as const;

/**
 * For an entry that is to be taken out before it runs: where it is the last one of its group, the group goes back to the
 * one before it, or is forgotten. So a group whose entries were cancelled is not put behind everybody. It looks at so
 * many entries at most, and what it does not find out costs the group no more than its place.
 */
export const FORGET_PLACE = {
  name: 'transcriptionForgetPlace',
  numberOfKeys: 3,
  lua: `
local row, groups = KEYS[1], KEYS[2]
local prefix, floor, id, group = ARGV[1], tonumber(ARGV[2]) * 0x100000000, ARGV[3], ARGV[4]
local FIRST, MOST = 0x80000000 - 100, 1000

local score, last = redis.call('ZSCORE', row, id), redis.call('ZSCORE', groups, group)
if not score or not last or tonumber(score) - floor ~= tonumber(last) then return 0 end
local before = redis.call('ZREVRANGEBYSCORE', row, score, floor + FIRST, 'WITHSCORES', 'LIMIT', 0, MOST)
for index = 1, #before, 2 do
  if before[index] ~= id then
    local isWhole, data = pcall(cjson.decode, redis.call('HGET', prefix .. before[index], 'data') or '')
    local isSame = isWhole and type(data) == 'table' and data.group == group
    if isSame or index == 2 * MOST - 1 then
      return redis.call('ZADD', groups, tonumber(before[index + 1]) - floor, group)
    end
  end
end
return redis.call('ZREM', groups, group)
`,
} as const;

/** The parameters of the scripts for a row, before the ids and their groups. `prefix` is that of all keys of the queue. */
export function rowParameters(prefix: string, rank: number): readonly (string | number)[] {
  const groups = `${prefix}groups:${rank}`;
  return [`${prefix}prioritized`, groups, `${groups}:now`, prefix, rank];
}

/** Gives all entries of a row that BullMQ itself has put back their turns. The client knows the script. */
export async function takeTurns(client: Client, prefix: string, rank: number): Promise<void> {
  const commands = client as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
  await commands[FAIR_ORDER.name]?.(...rowParameters(prefix, rank));
}

/** Puts an entry ahead of its row. */
export async function goFirst(client: Client, prefix: string, rank: number, jobId: string): Promise<void> {
  await client.zadd(`${prefix}prioritized`, 'XX', rank * 2 ** 32, jobId);
}
