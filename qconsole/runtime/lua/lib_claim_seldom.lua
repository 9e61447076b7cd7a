-- Claiming: what few claims need, for stalled jobs, delayed ones of another priority, and a rate limit. Needs score, place,
-- flow.

local PROMOTED_AT_ONCE = 200

local function split_active(entry)
  local token, worker, started, score, attempt, due, job_type =
    string.match(entry, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return {token = token, worker = worker, started_ms = tonumber(started), score = score,
    attempt = tonumber(attempt), due_ms = tonumber(due), job_type = job_type}
end

local function note_stall(queue, prefix, id, was, records, now_ms)
  local record = prefix .. 'job:' .. id
  local stalls = redis.call('HINCRBY', record, 'stalls', 1)
  local kept = redis.call('HMGET', record, 'history', 'attempts_before')
  local history = kept[1] and cjson.decode(kept[1]) or {}
  local attempt = was.attempt + tonumber(kept[2] or 0)
  history[#history + 1] = {attempt = attempt, start_ms = was.started_ms, end_ms = now_ms, worker = was.worker,
    outcome = 'stalled'}
  while #history > 20 do
    table.remove(history, 1)
  end
  redis.call('HSET', record, 'history', cjson.encode(history))
  if records then
    redis.call('HINCRBY', prefix .. 'm:' .. math.floor(now_ms / 60000), 's:' .. was.job_type, 1)
    event(queue, now_ms, 'stalled', id, cjson.encode({job_type = was.job_type, worker = was.worker, stalls = stalls}))
  end
end

-- Jobs whose lease ran out: a stall is counted and the job gets its old place back, or waits for children that it was
-- given while it ran; one that a plain arq worker holds or ended meanwhile is no longer ours.
local function recover_stalled(queue, prefix, ids, records, now_ms)
  for _, id in ipairs(ids) do
    local entry = redis.call('HGET', prefix .. 'active', id)
    local holder = redis.call('GET', 'arq:in-progress:' .. id)
    local was = entry and split_active(entry)
    if was and holder == was.token then
      redis.call('ZADD', prefix .. 'leases', now_ms + math.max(1, redis.call('PTTL', 'arq:in-progress:' .. id)), id)
    else
      redis.call('ZREM', prefix .. 'leases', id)
      redis.call('HDEL', prefix .. 'active', id)
      if was and redis.call('ZSCORE', queue, id) then
        note_stall(queue, prefix, id, was, records, now_ms)
        if not holder and flow_wait(queue, id, 0, now_ms) then
          redis.call('ZREM', queue, id)
        elseif not holder then
          redis.call('ZADD', queue, was.score, id)
        end
      end
    end
  end
end

-- A pause with an end goes by itself; this is its event.
local function note_end_of_pause(queue, prefix, ended_ms)
  if redis.call('EXISTS', prefix .. 'paused') == 0 then
    redis.call('HDEL', prefix .. 'config', 'pause_ends_ms')
    event(queue, tonumber(ended_ms), 'resumed', '', cjson.encode({actor = 'the end of its pause', reason = ''}))
  end
end

-- Delayed jobs of another priority than the default: those that are due now go to their band.
local function promote(queue, prefix, now_ms)
  local due = redis.call('ZRANGEBYSCORE', prefix .. 'due', '-inf', now_ms, 'WITHSCORES', 'LIMIT', 0, PROMOTED_AT_ONCE)
  for i = 1, #due, 2 do
    local id, due_ms = due[i], tonumber(due[i + 1])
    redis.call('ZREM', prefix .. 'due', id)
    local score = tonumber(redis.call('ZSCORE', queue, id))
    if score and score >= 0 and redis.call('EXISTS', 'arq:in-progress:' .. id) == 0 then
      local priority = tonumber(redis.call('HGET', prefix .. 'job:' .. id, 'pri') or QC_DEFAULT_PRIORITY)
      if priority ~= QC_DEFAULT_PRIORITY then
        redis.call('ZADD', queue, qc_number(waiting_score(queue, priority, due_ms, now_ms)), id)
      end
    end
  end
end

-- Stalls that nobody noticed: a lease's key ended by the server's clock a moment before its alarm by a worker's. The
-- jobs were taken all the same; they are counted, and keep their old place.
local function note_late_stalls(queue, prefix, taken, records, now_ms)
  for i, entry in ipairs(redis.call('HMGET', prefix .. 'active', unpack(taken.ids))) do
    if entry then
      local was = split_active(entry)
      note_stall(queue, prefix, taken.ids[i], was, records, now_ms)
      taken.scores[i] = was.score
    end
  end
end

-- How many may start under the rate limit, and when the next one may. There are more starts than the limit when it was
-- lowered: the next one waits until enough of them have left the window.
local function rate_allows(starts, free, rate_max, rate_ms, now_ms)
  local used = redis.call('LLEN', starts)
  local over = math.max(0, used - rate_max)
  local oldest = redis.call('LRANGE', starts, 0, over + free - 1)
  for i, start in ipairs(oldest) do
    if tonumber(start) >= now_ms - rate_ms then
      local allowed = math.max(0, math.min(free, rate_max - used + i - 1))
      return allowed, tonumber(oldest[math.max(i, over + 1)]) + rate_ms + 1
    end
  end
  return math.min(free, rate_max - used + #oldest), nil
end

local function note_starts(starts, n, rate_max, rate_ms, now_ms)
  for _ = 1, n do
    redis.call('RPUSH', starts, now_ms)
  end
  redis.call('LTRIM', starts, -rate_max, -1)
  redis.call('PEXPIRE', starts, rate_ms + 1000)
end
