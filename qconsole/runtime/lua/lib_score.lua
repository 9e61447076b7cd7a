-- Scores of a queue's ZSET, and waking its workers. Scores are drawn in docs/wire-format.md and read back by score.py.
local QC_EPOCH = 1704067200000
local QC_FLOOR = -4503599627370496
local QC_BAND = 35184372088832
local QC_DEFAULT_PRIORITY = 5
local QC_TICK = 1 / 4096
local MAX_WAKES = 16

-- Numbers this large lose digits in tostring(); scores go to Redis with all of theirs.
local function qc_number(value)
  return string.format('%.17g', value)
end

-- A last score further ahead than this is of a clock that jumped: order gives way to starting on time.
local QC_MAX_AHEAD_MS = 50

-- The next score at the default priority: strictly greater than the last one handed out, which the key holds.
local function qc_next_score(last_key, now_ms)
  local last = tonumber(redis.call('GET', last_key) or '0')
  return last < now_ms + QC_MAX_AHEAD_MS and math.max(now_ms, last + QC_TICK) or now_ms
end

-- Tells up to `count` idle workers that something changed.
local function wake(queue, count)
  local key = 'qc:{' .. queue .. '}:wake'
  local missing = math.min(count, MAX_WAKES - redis.call('LLEN', key))
  for _ = 1, missing do
    redis.call('RPUSH', key, '1')
  end
end
