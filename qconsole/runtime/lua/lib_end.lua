-- What an attempt's end means beside the counters and indexes of every turn. Needs score, place, dedup, flow, bury.

-- A plain producer lets a call expire after a day. Once a job has started, the end of that time goes into its record: it
-- counts as before, and ends in a dead letter that has the payload.
local function keep_call(prefix, id, now_ms)
  local left_ms = redis.call('PTTL', 'arq:job:' .. id)
  if left_ms > 0 then
    redis.call('PERSIST', 'arq:job:' .. id)
    redis.call('HSET', prefix .. 'job:' .. id, 'expires_ms', string.format('%d', now_ms + left_ms))
  end
end

-- Where an attempt that did not end its job puts it: with its pending children, its old place, or a due time.
local function put_back(queue, prefix, id, extra, now_ms)
  if flow_wait(queue, id, extra.place and 0 or extra.due_ms, now_ms) then
    redis.call('ZREM', queue, id)
  elseif extra.place then
    redis.call('ZADD', queue, extra.place, id)
  else
    place(queue, id, extra.priority or QC_DEFAULT_PRIORITY, math.max(extra.due_ms, now_ms), now_ms)
  end
  if extra.keeps_call then
    keep_call(prefix, id, now_ms)
  end
  if extra.retry then
    redis.call('SET', 'arq:retry:' .. id, extra.retry, unpack(extra.retry_ttl_s and {'EX', extra.retry_ttl_s} or {}))
  end
  if extra.fields then
    redis.call('HSET', prefix .. 'job:' .. id, unpack(extra.fields))
  end
  if extra.hold_ms then
    redis.call('SET', prefix .. 'hold', '1', 'PX', extra.hold_ms)
    event(queue, now_ms, 'held', id, cjson.encode({ms = extra.hold_ms}))
  end
end

-- What ends with the job beside its keys.
local function end_job(queue, prefix, id, extra, state, result, now_ms)
  local payload = state == 'cancelled' and redis.call('GET', 'arq:job:' .. id)
  if payload then
    redis.call('HSET', prefix .. 'job:' .. id, 'payload', payload) -- for a manual retry
  end
  if extra.fields then
    redis.call('HSET', prefix .. 'job:' .. id, unpack(extra.fields))
  end
  if extra.bury then
    bury(queue, id, extra.bury, now_ms)
  end
  if extra.dedup then
    dedup_release(queue, id, extra.dedup, now_ms, false)
  end
  if extra.parent then
    flow_child_ended(queue, id, extra.parent, state, now_ms, result)
  end
end
