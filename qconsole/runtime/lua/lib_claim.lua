-- Claiming: takes what is due in order, under every limit, and says how long nothing else will be. Needs score, call,
-- and what `seldom` loads.

local STALLS_LOOKED_AT = '50'
local PAGES = 20

-- When a job is due, from its score as Redis writes it.
local function due_text(score)
  if string.sub(score, 1, 1) ~= '-' then
    return string.match(score, '^%d*')
  end
  return qc_number(QC_EPOCH + math.floor(((tonumber(score) - QC_FLOOR) % QC_BAND) / 32))
end

-- Takes ids of one region of the queue until `wanted` are ours; whose in-progress key stands is skipped. `found`: the
-- region's first page when it has been read, `size` jobs at most. Returns whether more stand there.
local function take(queue, low, high, want, wanted, taken, found, size)
  local offset, ids, scores = 0, taken.ids, taken.scores
  size = size or wanted - #ids + 1
  for _ = 1, PAGES do
    found = found or redis.call('ZRANGEBYSCORE', queue, low, high, 'WITHSCORES', 'LIMIT', offset, size)
    for i = 1, #found, 2 do
      local id, n = found[i], #ids
      if n >= wanted then
        return true
      end
      if redis.call('SET', 'arq:in-progress:' .. id, want.token, 'NX', 'PX', want.lease_ms) then
        ids[n + 1] = id
        scores[n + 1] = found[i + 1]
      end
    end
    if #found < 2 * size then
      return false
    end
    offset, size, found = offset + size, 200, nil
  end
  return true
end

local function take_in_order(queue, want, wanted, now_ms)
  local taken, due_end = {ids = {}, scores = {}}, string.format('(%d', now_ms + 1)
  local first = redis.call('ZRANGEBYSCORE', queue, '-inf', due_end, 'WITHSCORES', 'LIMIT', '0', wanted + 1)
  if not first[2] or tonumber(first[2]) > 0 then -- nothing but the default priority
    return taken, take(queue, '(0', due_end, want, wanted, taken, first, wanted + 1)
  end
  local more = take(queue, '-inf', '(' .. qc_number(QC_FLOOR + QC_DEFAULT_PRIORITY * QC_BAND), want, wanted, taken)
  more = take(queue, '(0', due_end, want, wanted, taken) or more
  if #taken.ids < wanted then
    more = take(queue, qc_number(QC_FLOOR + (QC_DEFAULT_PRIORITY + 1) * QC_BAND), '(0', want, wanted, taken) or more
  end
  return taken, more
end

-- Writes the leases and gathers what running needs, in lists: ids, scores, then for each payload and attempts without
-- success, records (none: no job has one), abort ms (none: none is aborted).
local function lease(queue, prefix, abort_key, taken, want, special, keeps_records, now_ms)
  local keys, records, ends, n = {}, {}, {}, #taken.ids
  local record, lease_end = prefix .. 'job:', string.format('%d', now_ms + want.lease_ms)
  for i, id in ipairs(taken.ids) do
    keys[2 * i - 1] = 'arq:job:' .. id
    keys[2 * i] = 'arq:retry:' .. id
    records[i] = record .. id
    ends[2 * i - 1] = lease_end
    ends[2 * i] = id
  end
  redis.call('ZADD', queue, unpack(ends))
  if redis.call('ZADD', prefix .. 'leases', unpack(ends)) < n then
    seldom().note_late_stalls(queue, prefix, taken, keeps_records, now_ms)
  end
  local any_record = redis.call('EXISTS', unpack(records)) > 0 -- default jobs have none
  local stored = redis.call('MGET', unpack(keys))
  local aborts = special and redis.call('ZMSCORE', abort_key, unpack(taken.ids)) or {}
  local active, found = {}, {}
  local head = want.token .. '|' .. want.worker .. '|' .. ARGV[1] .. '|'
  for i, id in ipairs(taken.ids) do
    local score, payload, retries = taken.scores[i], stored[2 * i - 1], stored[2 * i]
    active[2 * i - 1] = id
    active[2 * i] = head .. score .. (retries and '|' .. tonumber(retries) + 1 .. '|' or '|1|') .. due_text(score) .. '|'
      .. (payload and job_type_of(payload) or '')
    if any_record then
      found[i] = redis.call('HGETALL', records[i])
    end
  end
  redis.call('HSET', prefix .. 'active', unpack(active))
  return {taken.ids, taken.scores, stored, found, aborts}
end

-- `limits`: {concurrency, rate_max, rate_ms}, nil: none. `special`: one of the keys abort, paused, hold, due exists.
-- Returns the claimed jobs as `lease` gathers them ({}: none), and when to look again: 0 at once, -1 unknown, else ms;
-- -2: the gate is shut.
local function claim(queue, abort_key, want, limits, records, special, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local stalled = redis.call('ZRANGEBYSCORE', prefix .. 'leases', '-inf', ARGV[1], 'LIMIT', '0', STALLS_LOOKED_AT)
  if #stalled > 0 then
    seldom().recover_stalled(queue, prefix, stalled, records, now_ms)
  end
  if special then
    seldom().promote(queue, prefix, now_ms)
    if redis.call('EXISTS', prefix .. 'paused', prefix .. 'hold') > 0 then
      -- both may have an end, and both must have come to it; -1: a pause until it is resumed
      local pause_ms, hold_ms = redis.call('PTTL', prefix .. 'paused'), redis.call('PTTL', prefix .. 'hold')
      return {}, pause_ms ~= -1 and now_ms + math.max(pause_ms, hold_ms) or -2
    end
  end
  local free, next_ms = want.free, nil
  if limits.concurrency then
    free = math.min(free, limits.concurrency - redis.call('HLEN', prefix .. 'active'))
  end
  if limits.rate_max and free > 0 then
    free, next_ms = seldom().rate_allows(prefix .. 'starts', free, limits.rate_max, limits.rate_ms, now_ms)
  end
  if free <= 0 then
    return {}, next_ms or -2
  end
  local taken, more = take_in_order(queue, want, free, now_ms)
  local claimed = {}
  if #taken.ids > 0 then
    claimed = lease(queue, prefix, abort_key, taken, want, special, records, now_ms)
    if limits.rate_max then
      seldom().note_starts(prefix .. 'starts', #taken.ids, limits.rate_max, limits.rate_ms, now_ms)
    end
  end
  if more then
    wake(queue, 1)
    return claimed, next_ms or 0
  end
  if #taken.ids < want.free then
    local future = redis.call('ZRANGEBYSCORE', queue, string.format('%d', now_ms + 1), '+inf', 'WITHSCORES', 'LIMIT', '0', '1')
    return claimed, future[2] and math.ceil(tonumber(future[2])) or -1
  end
  return claimed, 0
end
