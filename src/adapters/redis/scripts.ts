import { createHash } from 'node:crypto';

/** Runs in Redis as one step. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

export interface RedisScripts {
  /** Arguments: an id for each place that is wanted. Answers `[granted, waitMs, processes, epoch]`. */
  readonly acquire: RedisScript;
  /** Arguments: how many leases, their ids, then an id and an age for each start. Answers `[processes, epoch]`. */
  readonly renew: RedisScript;
  /** Arguments: `stay`, `leave` or `gone`; `keep` or `undo` for the starts; the ids. Answers nothing. */
  readonly release: RedisScript;
}

/** `acquire` granted nothing: Redis has lost what this process told it, which has to be told again first. */
export const HAS_TO_RENEW = -1;

/** Published to all processes of a pool when Redis has lost its data. Other messages name the process to wake. */
export const LOST = 'lost';

/** Its name is the channel of the pool. */
export const CHANNEL_KEY = 2;

/** Who waits asks again sooner than this. Who did not has died, or is stopped. */
const SILENT_MS = 1000;
/** After a loss, until every process had the time to tell of its leases again. */
const RECOVERY_MS = 1000;

/*
 * The keys of a pool:
 * held        lease → when it ends. Leases are renewed, and those of a dead process end.
 * starts      lease → when it started, for the rolling window.
 * line        process → its turn. Only processes with callers that wait.
 * seen        process → when it asked or renewed last.
 * epoch       drawn by who finds none. Another one says that Redis has lost its data since.
 * recovering  there while nothing is granted after such a loss.
 *
 * All times are Redis's own. The arguments that every script takes stand first; see SharedPlaces.
 */
const PRELUDE = `
local held, starts, line, seen, epoch, recovering = unpack(KEYS)
local process, leaseMs, windowMs, keepMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local places, perWindow, known, fresh = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Where Redis's clock was set back, nothing may count for longer than it would have.
local function endBy(key, latest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. latest, '+inf')) do
    redis.call('ZADD', key, latest, member)
  end
end

local function dropOld()
  redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', starts, '-inf', now - windowMs)
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - leaseMs)
  endBy(held, now + leaseMs)
  endBy(starts, now)
  endBy(seen, now)
end

-- A process that knew another epoch shows that data was lost.
local function findEpoch()
  local found = redis.call('GET', epoch)
  if found then return found end
  redis.call('SET', epoch, fresh)
  if known ~= '' then
    redis.call('SET', recovering, '1', 'PX', ${RECOVERY_MS})
    redis.pcall('PUBLISH', line, '${LOST}')
  end
  return fresh
end

local function free()
  local count = places - redis.call('ZCARD', held)
  if perWindow > 0 then count = math.min(count, perWindow - redis.call('ZCARD', starts)) end
  return math.max(count, 0)
end

-- Who is silent keeps its turn for when it comes back, but holds nobody up meanwhile.
local function isThere(other)
  local at = redis.call('ZSCORE', seen, other)
  if not at then redis.call('ZREM', line, other) end
  return at and now - at <= ${SILENT_MS}
end

local function keepKeys()
  for _, key in ipairs({ held, starts, line, seen, epoch }) do redis.call('PEXPIRE', key, keepMs) end
end
`;

const ACQUIRE = `
dropOld()
redis.call('ZADD', seen, now, process)
local current = findEpoch()
if known ~= '' and known ~= current then
  keepKeys()
  return { ${HAS_TO_RENEW}, 0, redis.call('ZCARD', seen), current }
end

local count = free()
-- A free place belongs to who has waited for it longest.
if count > 0 then
  for _, other in ipairs(redis.call('ZRANGE', line, 0, -1)) do
    if other == process or count == 0 then break end
    if isThere(other) then count = count - 1 end
  end
end
if redis.call('EXISTS', recovering) == 1 then count = 0 end

local wanted = #ARGV - 8
local granted = math.min(count, wanted)
for index = 1, granted do
  redis.call('ZADD', held, now + leaseMs, ARGV[8 + index])
  if perWindow > 0 then redis.call('ZADD', starts, now, ARGV[8 + index]) end
end

-- Who got something and wants more has the last turn again.
if granted == wanted then
  redis.call('ZREM', line, process)
elseif granted > 0 or not redis.call('ZSCORE', line, process) then
  local last = redis.call('ZRANGE', line, -1, -1, 'WITHSCORES')
  redis.call('ZADD', line, (tonumber(last[2]) or 0) + 1, process)
end

local waitMs = 0
if granted < wanted and perWindow > 0 and redis.call('ZCARD', starts) >= perWindow then
  local oldest = redis.call('ZRANGE', starts, 0, 0, 'WITHSCORES')
  waitMs = math.max(1, oldest[2] + windowMs - now)
end
keepKeys()
return { granted, waitMs, redis.call('ZCARD', seen), current }
`;

const RENEW = `
dropOld()
redis.call('ZADD', seen, now, process)
local current = findEpoch()
local count = tonumber(ARGV[9])
for index = 10, 9 + count do redis.call('ZADD', held, now + leaseMs, ARGV[index]) end
for index = 10 + count, #ARGV, 2 do
  redis.call('ZADD', starts, 'NX', now - tonumber(ARGV[index + 1]), ARGV[index])
end
keepKeys()
return { redis.call('ZCARD', seen), current }
`;

const RELEASE = `
for index = 11, #ARGV do
  redis.call('ZREM', held, ARGV[index])
  if ARGV[10] == 'undo' then redis.call('ZREM', starts, ARGV[index]) end
end
if ARGV[9] ~= 'stay' then redis.call('ZREM', line, process) end
if ARGV[9] == 'gone' then redis.call('ZREM', seen, process) end
dropOld()

-- Those before were told of theirs when it came free.
local count, woken = free(), nil
if count > 0 then
  for _, other in ipairs(redis.call('ZRANGE', line, 0, -1)) do
    if count == 0 then break end
    if isThere(other) then
      woken = other
      count = count - 1
    end
  end
end
-- The one that releases asks by itself. Without the right to publish, others find out when they ask again.
if woken and woken ~= process then redis.pcall('PUBLISH', line, woken) end
return 1
`;

export function makeScripts(): RedisScripts {
  return { acquire: scriptOf(ACQUIRE), renew: scriptOf(RENEW), release: scriptOf(RELEASE) };
}

function scriptOf(body: string): RedisScript {
  const text = PRELUDE + body;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
