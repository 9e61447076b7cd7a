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

-- Scores for `count` jobs that wait from now on at the default priority, in order: strictly greater than any
-- handed out before. Remembers the last one.
local function qc_next_scores(last_key, now_ms, count)
  local first = qc_next_score(last_key, now_ms)
  redis.call('SET', last_key, qc_number(first + (count - 1) * QC_TICK))
  local scores = {}
  for i = 1, count do
    scores[i] = first + (i - 1) * QC_TICK
  end
  return scores
end

-- Scores for `count` jobs that wait from now on in the band of `priority`, in order: behind all that stand there.
local function qc_next_band_scores(queue, priority, now_ms, count)
  local start = QC_FLOOR + priority * QC_BAND
  local newest = redis.call('ZREVRANGEBYSCORE', queue, qc_number(start + QC_BAND - 1), qc_number(start),
    'WITHSCORES', 'LIMIT', 0, 1)
  local first = start + (now_ms - QC_EPOCH) * 32
  if newest[2] then
    first = math.max(first, tonumber(newest[2]) + 1)
  end
  local scores = {}
  for i = 1, count do
    scores[i] = first + i - 1
  end
  return scores
end

-- The place in the band of `priority` of a job that was due at `due_ms`; `tick` (0..31) orders inside the millisecond.
local function qc_band_score(priority, due_ms, tick)
  return QC_FLOOR + priority * QC_BAND + math.max(0, due_ms - QC_EPOCH) * 32 + tick
end

-- The priority a score stands for.
local function qc_priority_of(score)
  if score >= 0 then
    return QC_DEFAULT_PRIORITY
  end
  return math.floor((score - QC_FLOOR) / QC_BAND)
end

-- Tells up to `count` idle workers that something changed.
local function wake(queue, count)
  local key = 'qc:{' .. queue .. '}:wake'
  local missing = math.min(count, MAX_WAKES - redis.call('LLEN', key))
  for _ = 1, missing do
    redis.call('RPUSH', key, '1')
  end
end
