-- Where a job stands in its queue's ZSET, and who is told about it.
-- Scores: docs/wire-format.md, "Scores in the queue ZSET". Bands lie below zero, so a plain arq worker takes them too.

local DEFAULT_PRIORITY = 5
local BAND_EPOCH_MS = 1704067200000
local ORDER_PER_MS = 32
local STEP = 1 / 4096
-- A last score further ahead than this comes from a clock that jumped; order gives way to starting on time.
local MAX_AHEAD_MS = 50
local MAX_WAKES = 16
local EVENTS_KEPT = 10000

local function number_text(value)
  return string.format('%.17g', value)
end

local function band_floor(priority)
  return -4503599627370496 + priority * 35184372088832
end

-- The first of `count` strictly growing scores for jobs that wait from now on with the default priority.
local function take_scores(queue, count, now_ms)
  local key = 'qc:{' .. queue .. '}:last'
  local last = tonumber(redis.call('GET', key) or 0)
  local first = now_ms
  if last >= now_ms and last < now_ms + MAX_AHEAD_MS then
    first = last + STEP
  end
  redis.call('SET', key, number_text(first + (count - 1) * STEP))
  return first
end

-- The first free score at or after `floor` and below `ceiling`: keeps order among jobs due in the same millisecond.
local function after_equals(queue, floor, ceiling, step)
  local top = redis.call('ZREVRANGEBYSCORE', queue, '(' .. number_text(ceiling), number_text(floor), 'WITHSCORES', 'LIMIT', 0, 1)
  if top[2] then
    return math.min(tonumber(top[2]) + step, ceiling - step)
  end
  return floor
end

-- The score of a job that waits in the band of a priority other than the default: behind all of the band
-- when it is due now, at its due time when that has passed.
local function band_score(queue, priority, due_ms, now_ms)
  local band = band_floor(priority)
  local floor = band + math.floor((due_ms - BAND_EPOCH_MS) * ORDER_PER_MS)
  local ceiling = due_ms < now_ms and floor + ORDER_PER_MS or band_floor(priority + 1)
  return after_equals(queue, floor, ceiling, 1)
end

-- Puts a job where its priority and due time belong. Returns its score and whether it is delayed.
local function place(queue, id, priority, due_ms, now_ms)
  local score
  local delayed = due_ms > now_ms
  if delayed then
    score = after_equals(queue, due_ms, due_ms + 1, STEP)
    if priority ~= DEFAULT_PRIORITY then
      redis.call('ZADD', 'qc:{' .. queue .. '}:due', number_text(due_ms), id)
    end
  elseif priority ~= DEFAULT_PRIORITY then
    score = band_score(queue, priority, due_ms, now_ms)
  elseif due_ms < now_ms then
    score = after_equals(queue, due_ms, due_ms + 1, STEP)
  else
    score = take_scores(queue, 1, now_ms)
  end
  redis.call('ZADD', queue, number_text(score), id)
  return score, delayed
end

-- Writes a new job and places it. `fields` is a flat list for the job's hash; the default priority needs none.
local function create(queue, id, payload, priority, due_ms, fields, now_ms)
  redis.call('SET', 'arq:job:' .. id, payload)
  if priority ~= DEFAULT_PRIORITY then
    fields[#fields + 1] = 'pri'
    fields[#fields + 1] = tostring(priority)
  end
  if #fields > 0 then
    redis.call('HSET', 'qc:{' .. queue .. '}:job:' .. id, unpack(fields))
  end
  return place(queue, id, priority, due_ms, now_ms)
end

-- Tells up to `count` idle workers that something changed.
local function wake(queue, count)
  local key = 'qc:{' .. queue .. '}:wake'
  local missing = math.min(count, MAX_WAKES - redis.call('LLEN', key))
  for _ = 1, missing do
    redis.call('RPUSH', key, '1')
  end
end

-- Appends to the queue's capped event stream. `data` is JSON or ''.
local function event(queue, now_ms, kind, job_id, data)
  redis.call('XADD', 'qc:{' .. queue .. '}:events', 'MAXLEN', '~', EVENTS_KEPT, '*',
    'ms', number_text(now_ms), 'kind', kind, 'job', job_id, 'data', data)
end
