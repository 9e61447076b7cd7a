-- Reads the counts of some queues at once; changes nothing.
-- KEYS the queues' ZSETs
-- ARGV 1 now ms  2 this minute  3 how many of the waiting ids to check for leases of plain arq workers
-- Returns for each queue: waiting, delayed, active, waiting children, completed, failed, cancelled, dead letters,
--   pause (reason, actor, since, until; or false), hold ms, score of the oldest default job, oldest due ms of a band,
--   completed and failed in this minute and the one before
local now_ms, minute, looked_at = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local after_ms = string.format('%d', tonumber(now_ms) + 1) -- what is due in this millisecond is due
local EPOCH, FLOOR, BAND = 1704067200000, -4503599627370496, 35184372088832

-- When the oldest job of any band was due: the first of each band that has one.
local function oldest_in_bands(queue)
  local oldest, from = false, '-inf'
  for _ = 1, 101 do
    local first = redis.call('ZRANGEBYSCORE', queue, from, '(0', 'WITHSCORES', 'LIMIT', 0, 1)
    if not first[2] then
      break
    end
    local score = tonumber(first[2])
    local priority = math.floor((score - FLOOR) / BAND)
    local due_ms = EPOCH + math.floor((score - FLOOR - priority * BAND) / 32)
    oldest = math.min(oldest or due_ms, due_ms)
    from = string.format('%.17g', FLOOR + (priority + 1) * BAND)
  end
  return oldest and string.format('%.17g', oldest)
end

local function ended(prefix, which)
  local completed, failed = 0, 0
  local counters = redis.call('HGETALL', prefix .. 'm:' .. string.format('%d', which))
  for i = 1, #counters, 2 do
    local kind = string.sub(counters[i], 1, 2)
    if kind == 'c:' then
      completed = completed + counters[i + 1]
    elseif kind == 'f:' then
      failed = failed + counters[i + 1]
    end
  end
  return completed, failed
end

local function held_elsewhere(queue, prefix)
  local held = 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue, '(0', now_ms, 'LIMIT', 0, looked_at)) do
    if redis.call('EXISTS', 'arq:in-progress:' .. id) == 1 and redis.call('HEXISTS', prefix .. 'active', id) == 0 then
      held = held + 1
    end
  end
  return held
end

local answers = {}
for _, queue in ipairs(KEYS) do
  local p = 'qc:{' .. queue .. '}:'
  local held = held_elsewhere(queue, p)
  local due = redis.call('ZCOUNT', queue, '-inf', '(' .. after_ms)
  local stalled = redis.call('ZCOUNT', p .. 'leases', '-inf', now_ms)
  local future = redis.call('ZCOUNT', queue, after_ms, '+inf')
  local leased = redis.call('ZCOUNT', p .. 'leases', '(' .. now_ms, '+inf')
  local active = redis.call('HLEN', p .. 'active')
  local pause = redis.call('EXISTS', p .. 'paused') == 1
    and redis.call('HMGET', p .. 'paused', 'reason', 'actor', 'since_ms', 'until_ms')
  local completed, failed = ended(p, minute)
  local completed_before, failed_before = ended(p, minute - 1)
  answers[#answers + 1] = {
    math.max(0, due - held - stalled), math.max(0, future - leased), active + held,
    redis.call('ZCARD', p .. 'waiting_children'), redis.call('ZCARD', p .. 'completed'),
    redis.call('ZCARD', p .. 'failed'), redis.call('ZCARD', p .. 'cancelled'), redis.call('ZCARD', p .. 'dlq'),
    pause, redis.call('PTTL', p .. 'hold'),
    redis.call('ZRANGEBYSCORE', queue, '(1', '(' .. after_ms, 'WITHSCORES', 'LIMIT', 0, 1)[2] or false, oldest_in_bands(queue),
    completed, failed, completed_before, failed_before,
  }
end
return answers
