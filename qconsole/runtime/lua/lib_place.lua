-- Puts jobs where they belong in their queue, and tells watchers. Needs score.

local EVENTS_KEPT = 10000

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

-- Scores for `count` jobs that wait from now on in the band of `priority`, in order: strictly greater than any handed
-- out there before. Remembers the last one.
local function qc_next_band_scores(queue, priority, now_ms, count)
  local last_key = 'qc:{' .. queue .. '}:last:' .. priority
  local first = QC_FLOOR + priority * QC_BAND + (now_ms - QC_EPOCH) * 32
  local last = tonumber(redis.call('GET', last_key) or first - 1)
  first = math.max(first, last + 1)
  redis.call('SET', last_key, qc_number(first + count - 1))
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

-- The first free score at or after `floor` and below `ceiling`: keeps order among jobs due in the same millisecond.
local function after_equals(queue, floor, ceiling, step)
  local top = redis.call('ZREVRANGEBYSCORE', queue, '(' .. qc_number(ceiling), qc_number(floor), 'WITHSCORES', 'LIMIT', 0, 1)
  if top[2] then
    return math.min(tonumber(top[2]) + step, ceiling - step)
  end
  return floor
end

-- The score of a job that waits: behind all of its priority when it is due now, at its due time when that has passed.
local function waiting_score(queue, priority, due_ms, now_ms)
  if priority ~= QC_DEFAULT_PRIORITY then
    if due_ms == now_ms then
      return qc_next_band_scores(queue, priority, now_ms, 1)[1]
    end
    return after_equals(queue, qc_band_score(priority, due_ms, 0), qc_band_score(priority, due_ms + 1, 0), 1)
  end
  if due_ms == now_ms then
    return qc_next_scores('qc:{' .. queue .. '}:last', now_ms, 1)[1]
  end
  return after_equals(queue, due_ms, due_ms + 1, QC_TICK)
end

-- Places a job by its priority and due time. Returns its score and whether it is delayed.
local function place(queue, id, priority, due_ms, now_ms)
  local delayed = due_ms > now_ms
  local score
  if delayed then
    score = after_equals(queue, due_ms, due_ms + 1, QC_TICK)
    if priority ~= QC_DEFAULT_PRIORITY then
      redis.call('ZADD', 'qc:{' .. queue .. '}:due', qc_number(due_ms), id)
    end
  else
    score = waiting_score(queue, priority, due_ms, now_ms)
  end
  redis.call('ZADD', queue, qc_number(score), id)
  return score, delayed
end

-- Places many jobs of the default priority that are due now, in order.
local function place_now(queue, ids, now_ms)
  local places, scores = {}, qc_next_scores('qc:{' .. queue .. '}:last', now_ms, #ids)
  for i, id in ipairs(ids) do
    places[2 * i - 1], places[2 * i] = qc_number(scores[i]), id
  end
  redis.call('ZADD', queue, unpack(places))
end

-- Writes a new job and places it. `fields` is a flat list for the job's hash; the default priority needs none.
local function create(queue, id, payload, priority, due_ms, fields, now_ms)
  redis.call('SET', 'arq:job:' .. id, payload)
  if priority ~= QC_DEFAULT_PRIORITY then
    fields[#fields + 1] = 'pri'
    fields[#fields + 1] = tostring(priority)
  end
  if #fields > 0 then
    redis.call('HSET', 'qc:{' .. queue .. '}:job:' .. id, unpack(fields))
  end
  return place(queue, id, priority, due_ms, now_ms)
end

-- Appends to the queue's capped event stream. `data` is JSON or ''.
local function event(queue, now_ms, kind, job_id, data)
  redis.call('XADD', 'qc:{' .. queue .. '}:events', 'MAXLEN', '~', EVENTS_KEPT, '*',
    'ms', qc_number(now_ms), 'kind', kind, 'job', job_id, 'data', data)
end
