-- Settling: the one way a claimed job leaves its worker. Needs score, place, dedup, flow, bury.

local SETTLED, TAKEN, GONE = 'ok', 'taken', 'gone'
local MINUTE_KEPT_MS = 26 * 3600 * 1000

-- Counters of one turn, written once: {[field] = n}.
local function count(metrics, field)
  metrics[field] = (metrics[field] or 0) + 1
end

local function write_metrics(prefix, metrics, now_ms)
  local key = prefix .. 'm:' .. math.floor(now_ms / 60000)
  local is_new = false
  for field, n in pairs(metrics) do
    is_new = redis.call('HINCRBY', key, field, n) == n or is_new
  end
  if is_new then
    redis.call('PEXPIRE', key, MINUTE_KEPT_MS)
  end
end

-- Exact by count and age: what is over either bound goes, with its result, record, log and children's names.
local function trim(prefix, index, keep, keep_ms, now_ms)
  local gone = {}
  local function drop(ids)
    for _, id in ipairs(ids) do
      gone[#gone + 1] = 'arq:result:' .. id
      gone[#gone + 1] = prefix .. 'job:' .. id
      gone[#gone + 1] = prefix .. 'log:' .. id
      gone[#gone + 1] = prefix .. 'flow:' .. id
    end
  end
  local oldest_ms = -1
  if keep >= 0 then
    local excess = math.min(redis.call('ZCARD', index) - keep, 500)
    if excess > 0 then
      local popped, ids = redis.call('ZPOPMIN', index, excess), {}
      for i = 1, #popped, 2 do
        ids[#ids + 1] = popped[i]
      end
      drop(ids)
      oldest_ms = tonumber(popped[#popped])
    end
  end
  if keep_ms >= 0 and oldest_ms < now_ms - keep_ms then
    local old = redis.call('ZRANGEBYSCORE', index, '-inf', '(' .. qc_number(now_ms - keep_ms), 'LIMIT', 0, 500)
    if #old > 0 then
      drop(old)
      redis.call('ZREM', index, unpack(old))
    end
  end
  if #gone > 0 then
    redis.call('DEL', unpack(gone))
  end
end

-- A plain producer lets a call expire after a day. Once a job has started, the end of that time goes into its record: it
-- counts as before, and ends in a dead letter that has the payload.
local function keep_call(prefix, id, now_ms)
  local left_ms = redis.call('PTTL', 'arq:job:' .. id)
  if left_ms > 0 then
    redis.call('PERSIST', 'arq:job:' .. id)
    redis.call('HSET', prefix .. 'job:' .. id, 'expires_ms', string.format('%d', now_ms + left_ms))
  end
end

-- Where an attempt that did not end its job puts it: its old place, or a due time.
local function put_back(queue, prefix, e, extra, now_ms)
  if extra.place then
    redis.call('ZADD', queue, extra.place, e[1])
  elseif flow_wait(queue, e[1], extra.due_ms, now_ms) then
    redis.call('ZREM', queue, e[1])
  else
    place(queue, e[1], extra.priority or QC_DEFAULT_PRIORITY, math.max(extra.due_ms, now_ms), now_ms)
  end
  if extra.keeps_call then
    keep_call(prefix, e[1], now_ms)
  end
  if extra.retry then
    redis.call('SET', 'arq:retry:' .. e[1], extra.retry, unpack(extra.retry_ttl_s and {'EX', extra.retry_ttl_s} or {}))
  end
  if extra.fields then
    redis.call('HSET', prefix .. 'job:' .. e[1], unpack(extra.fields))
  end
  if extra.hold_ms then
    redis.call('SET', prefix .. 'hold', '1', 'PX', extra.hold_ms)
    event(queue, now_ms, 'held', e[1], cjson.encode({ms = extra.hold_ms}))
  end
end

-- What ends with the job beside its keys.
local function end_job(queue, prefix, e, extra, state, now_ms)
  local payload = state == 'cancelled' and redis.call('GET', 'arq:job:' .. e[1])
  if payload then
    redis.call('HSET', prefix .. 'job:' .. e[1], 'payload', payload) -- for a manual retry
  end
  if extra.fields then
    redis.call('HSET', prefix .. 'job:' .. e[1], unpack(extra.fields))
  end
  if extra.bury then
    bury(queue, e[1], extra.bury, now_ms)
  end
  if extra.dedup then
    dedup_release(queue, e[1], extra.dedup, now_ms, false)
  end
  if extra.parent then
    flow_child_ended(queue, e[1], extra.parent, state, now_ms, e[5] > 0 and ARGV[e[5]] or '')
  end
end

local COUNTER = {ok = 'c:', failed = 'f:', retry = 'r:', cancelled = 'x:'}
local INDEX = {ok = 'completed', failed = 'failed', cancelled = 'cancelled'}
local STATE = {ok = 'completed', failed = 'failed', cancelled = 'cancelled'}

-- `entries`: {id, token, kind, job type, index of the result in ARGV or 0, result TTL ms ('': none), wait bucket,
-- run bucket, total ms, extra or false}, kind: ok | failed | cancelled | retry | later | back.
-- `limits`: {keep_completed, keep_completed_ms, keep_failed, keep_failed_ms, sla_total_ms}, -1: unbounded.
-- Returns one word for each entry: ok | taken (somebody else holds it) | gone (nobody does), and the ids that ended.
local function settle(queue, entries, records, limits, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local leases, answers, metrics, now_text = {}, {}, {}, qc_number(now_ms)
  local ids, ended, deleted = {}, {}, {}
  local indexed = {completed = {}, failed = {}, cancelled = {}}
  for i, e in ipairs(entries) do
    leases[i] = 'arq:in-progress:' .. e[1]
  end
  local held = redis.call('MGET', unpack(leases))
  for i, e in ipairs(entries) do
    local id, kind, extra = e[1], e[3], e[10]
    if held[i] ~= e[2] then
      answers[i] = held[i] and TAKEN or GONE
    else
      answers[i] = SETTLED
      ids[#ids + 1] = id
      if extra and extra.keep_ms then
        redis.call('PEXPIRE', leases[i], extra.keep_ms)
      else
        deleted[#deleted + 1] = leases[i]
      end
      if STATE[kind] then
        if extra then
          end_job(queue, prefix, e, extra, STATE[kind], now_ms)
        end
        ended[#ended + 1] = id
        deleted[#deleted + 1] = 'arq:job:' .. id
        deleted[#deleted + 1] = 'arq:retry:' .. id
        if not records then
          deleted[#deleted + 1] = prefix .. 'job:' .. id
        end
        if e[5] > 0 then
          if e[6] ~= '' then
            redis.call('SET', 'arq:result:' .. id, ARGV[e[5]], 'PX', e[6])
          else
            redis.call('SET', 'arq:result:' .. id, ARGV[e[5]])
          end
        end
        if records then
          local index = indexed[INDEX[kind]]
          index[#index + 1] = now_text
          index[#index + 1] = id
        end
      else
        put_back(queue, prefix, e, extra, now_ms)
      end
      if records and COUNTER[kind] then
        count(metrics, COUNTER[kind] .. e[4])
        count(metrics, 'w:' .. e[4] .. ':' .. e[7])
        count(metrics, 'd:' .. e[4] .. ':' .. e[8])
        if STATE[kind] and limits.sla_total_ms >= 0 and e[9] > limits.sla_total_ms then
          count(metrics, 'b:' .. e[4])
          event(queue, now_ms, 'breach', id, cjson.encode({job_type = e[4], total_ms = e[9],
            target_ms = limits.sla_total_ms}))
        end
      end
    end
  end
  if #ids > 0 then
    redis.call('ZREM', prefix .. 'leases', unpack(ids))
    redis.call('HDEL', prefix .. 'active', unpack(ids))
  end
  if #deleted > 0 then
    redis.call('DEL', unpack(deleted))
  end
  if #ended > 0 then
    redis.call('ZREM', queue, unpack(ended))
  end
  for name, index in pairs(indexed) do
    if #index > 0 then
      redis.call('ZADD', prefix .. name, unpack(index))
      if name == 'completed' then
        trim(prefix, prefix .. name, limits.keep_completed, limits.keep_completed_ms, now_ms)
      else
        trim(prefix, prefix .. name, limits.keep_failed, limits.keep_failed_ms, now_ms)
      end
    end
  end
  write_metrics(prefix, metrics, now_ms)
  return answers, ended
end
