-- Claiming: takes what is due in order, under every limit, and says how long nothing else will be. Needs score, place,
-- call.

local STALLS_LOOKED_AT = 50
local PROMOTED_AT_ONCE = 200
local PAGES = 20

-- When a job is due, from its score as Redis writes it.
local function due_text(score)
  if string.sub(score, 1, 1) ~= '-' then
    return string.match(score, '^%d*')
  end
  return qc_number(QC_EPOCH + math.floor(((tonumber(score) - QC_FLOOR) % QC_BAND) / 32))
end

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

-- Jobs whose lease ran out: a stall is counted and the job gets its old place back; one that a plain arq worker holds
-- or ended meanwhile is no longer ours.
local function recover_stalled(queue, prefix, records, now_ms)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'leases', '-inf', now_ms, 'LIMIT', 0, STALLS_LOOKED_AT)) do
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
        if not holder then
          redis.call('ZADD', queue, was.score, id)
        end
      end
    end
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

-- Takes ids of one region of the queue until `wanted` are ours; whose in-progress key stands is skipped. `found`: the
-- region's first page when it has been read, `size` jobs at most. Returns whether more stand there.
local function take(queue, low, high, want, wanted, taken, found, size)
  local offset = 0
  size = size or wanted - #taken.ids + 1
  for _ = 1, PAGES do
    found = found or redis.call('ZRANGEBYSCORE', queue, low, high, 'WITHSCORES', 'LIMIT', offset, size)
    for i = 1, #found, 2 do
      local n = #taken.ids
      if n >= wanted then
        return true
      end
      if redis.call('SET', 'arq:in-progress:' .. found[i], want.token, 'NX', 'PX', want.lease_ms) then
        taken.ids[n + 1] = found[i]
        taken.scores[n + 1] = found[i + 1]
      end
    end
    if #found < 2 * size then
      return false
    end
    offset, size, found = offset + size, 200, nil
  end
  return true
end

local URGENT_END = '(' .. qc_number(QC_FLOOR + QC_DEFAULT_PRIORITY * QC_BAND)
local BULK_START = qc_number(QC_FLOOR + (QC_DEFAULT_PRIORITY + 1) * QC_BAND)

local function take_in_order(queue, want, wanted, now_ms)
  local taken, due_end = {ids = {}, scores = {}}, '(' .. qc_number(now_ms + 1)
  local first = redis.call('ZRANGEBYSCORE', queue, '-inf', due_end, 'WITHSCORES', 'LIMIT', 0, wanted + 1)
  if not first[2] or tonumber(first[2]) > 0 then -- nothing but the default priority
    return taken, take(queue, '(0', due_end, want, wanted, taken, first, wanted + 1)
  end
  local more = take(queue, '-inf', URGENT_END, want, wanted, taken)
  more = take(queue, '(0', due_end, want, wanted, taken) or more
  if #taken.ids < wanted then
    more = take(queue, BULK_START, '(0', want, wanted, taken) or more
  end
  return taken, more
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

-- Writes the leases and gathers what running needs: id, score, payload, attempts without success, record, abort ms.
local function lease(queue, prefix, abort_key, taken, want, special, keeps_records, now_ms)
  local keys, records, ends, n = {}, {}, {}, #taken.ids
  local lease_end = qc_number(now_ms + want.lease_ms)
  for i, id in ipairs(taken.ids) do
    keys[i] = 'arq:job:' .. id
    keys[n + i] = 'arq:retry:' .. id
    records[i] = prefix .. 'job:' .. id
    ends[2 * i - 1] = lease_end
    ends[2 * i] = id
  end
  redis.call('ZADD', queue, unpack(ends))
  if redis.call('ZADD', prefix .. 'leases', unpack(ends)) < n then
    note_late_stalls(queue, prefix, taken, keeps_records, now_ms)
  end
  local any_record = redis.call('EXISTS', unpack(records)) > 0 -- default jobs have none
  local stored = redis.call('MGET', unpack(keys))
  local aborts = special and redis.call('ZMSCORE', abort_key, unpack(taken.ids)) or {}
  local active, claimed = {}, {}
  local head = want.token .. '|' .. want.worker .. '|' .. qc_number(now_ms) .. '|'
  for i, id in ipairs(taken.ids) do
    local score, payload, retries = taken.scores[i], stored[i], stored[n + i]
    active[2 * i - 1] = id
    active[2 * i] = head .. score .. '|' .. (tonumber(retries) or 0) + 1 .. '|' .. due_text(score) .. '|'
      .. (payload and job_type_of(payload) or '')
    claimed[i] = {id, score, payload, retries, any_record and redis.call('HGETALL', records[i]), aborts[i] or false}
  end
  redis.call('HSET', prefix .. 'active', unpack(active))
  return claimed
end

-- `limits`: {concurrency, rate_max, rate_ms}, -1: none. `special`: one of the keys abort, paused, hold, due exists.
-- Returns the claimed jobs, and when to look again: 0 at once, -1 unknown, else ms; -2: the gate is shut.
local function claim(queue, abort_key, want, limits, records, special, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  recover_stalled(queue, prefix, records, now_ms)
  if special then
    promote(queue, prefix, now_ms)
    if redis.call('EXISTS', prefix .. 'paused', prefix .. 'hold') > 0 then
      -- both may have an end, and both must have come to it; -1: a pause until it is resumed
      local pause_ms, hold_ms = redis.call('PTTL', prefix .. 'paused'), redis.call('PTTL', prefix .. 'hold')
      return {}, pause_ms ~= -1 and now_ms + math.max(pause_ms, hold_ms) or -2
    end
  end
  local free, next_ms = want.free, nil
  if limits.concurrency >= 0 then
    free = math.min(free, limits.concurrency - redis.call('HLEN', prefix .. 'active'))
  end
  if limits.rate_max >= 0 and free > 0 then
    free, next_ms = rate_allows(prefix .. 'starts', free, limits.rate_max, limits.rate_ms, now_ms)
  end
  if free <= 0 then
    return {}, next_ms or -2
  end
  local taken, more = take_in_order(queue, want, free, now_ms)
  local claimed = {}
  if #taken.ids > 0 then
    claimed = lease(queue, prefix, abort_key, taken, want, special, records, now_ms)
    if limits.rate_max >= 0 then
      note_starts(prefix .. 'starts', #taken.ids, limits.rate_max, limits.rate_ms, now_ms)
    end
  end
  if more then
    wake(queue, 1)
    return claimed, next_ms or 0
  end
  if #taken.ids < want.free then
    local future = redis.call('ZRANGEBYSCORE', queue, qc_number(now_ms + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    return claimed, future[2] and math.ceil(tonumber(future[2])) or -1
  end
  return claimed, 0
end
