-- Deduplication: which job stands for a dedup id, and when the id becomes free. Needs place.
-- The job's field `dedup` is "<mode>\n<dedup id>". Modes: until_done, throttle, debounce, keep_last.
-- The window is kept as an instant of the caller's clock; the key's own expiry only clears up after it.

local DEDUP_SLACK_MS = 60000

local function dedup_key(queue, dedup_id)
  return 'qc:{' .. queue .. '}:dedup:' .. dedup_id
end

local function dedup_split(dedup)
  return string.match(dedup, '^([^\n]*)\n(.*)$')
end

-- As `state_of` sees it: a job whose lease ran out is active until a claim recovers it.
local function is_active(queue, id)
  return redis.call('EXISTS', 'arq:in-progress:' .. id) == 1
    or redis.call('HEXISTS', 'qc:{' .. queue .. '}:active', id) == 1
end

local function has_started(queue, id)
  return is_active(queue, id) or redis.call('EXISTS', 'arq:retry:' .. id) == 1
end

-- Gives a job that has not started the payload and the options of a newer one; its place stays.
local function dedup_replace(queue, id, new)
  local record = 'qc:{' .. queue .. '}:job:' .. id
  redis.call('SET', 'arq:job:' .. id, new.payload)
  redis.call('HDEL', record, 'attempts', 'backoff', 'timeout_ms', 'expires_ms', 'trace')
  redis.call('HSET', record, unpack(new.fields))
end

-- Makes `id` the job that stands for the dedup id.
local function dedup_stand(key, mode, id, window_ms, now_ms)
  redis.call('DEL', key)
  redis.call('HSET', key, 'mode', mode, 'id', id, 'until_ms', window_ms > 0 and qc_number(now_ms + window_ms) or '0')
  if window_ms > 0 then
    redis.call('PEXPIRE', key, window_ms + DEDUP_SLACK_MS)
  end
end

-- A second job while one stands: nil lets it in, otherwise the verdict and the id that answers for it.
local function dedup_meet(queue, key, mode, standing, new, now_ms)
  if mode == 'throttle' then
    local until_ms = tonumber(redis.call('HGET', key, 'until_ms'))
    return now_ms < until_ms and 'duplicate' or nil, standing
  end
  if redis.call('EXISTS', 'arq:job:' .. standing) == 0 then
    return nil
  end
  if mode == 'until_done' then
    local until_ms = tonumber(redis.call('HGET', key, 'until_ms'))
    local over = until_ms > 0 and now_ms >= until_ms
    return not over and 'duplicate' or nil, standing
  end
  if mode == 'debounce' then
    if has_started(queue, standing) then
      return nil
    end
    dedup_replace(queue, standing, new)
    local prefix = 'qc:{' .. queue .. '}:'
    redis.call('ZREM', queue, standing)
    redis.call('ZREM', prefix .. 'due', standing)
    if new.priority == QC_DEFAULT_PRIORITY then
      redis.call('HDEL', prefix .. 'job:' .. standing, 'pri')
    else
      redis.call('HSET', prefix .. 'job:' .. standing, 'pri', tostring(new.priority))
    end
    place(queue, standing, new.priority, new.due_ms, now_ms)
    redis.call('HSET', key, 'until_ms', qc_number(new.due_ms))
    redis.call('PEXPIRE', key, new.window_ms + DEDUP_SLACK_MS)
    return 'replaced', standing
  end
  if not is_active(queue, standing) then
    dedup_replace(queue, standing, new)
    return 'replaced', standing
  end
  local next_id = redis.call('HGET', key, 'next_id')
  redis.call('HSET', key, 'next_id', next_id or new.id, 'next_payload', new.payload,
    'next_priority', tostring(new.priority), 'next_fields', cjson.encode(new.fields))
  if next_id and next_id ~= new.id then
    return 'replaced', next_id
  end
  return 'follows', new.id
end

-- Lets a new job pass (nil), or says which job answers for it. Fields of `new`: lib_enqueue.lua.
local function dedup_enter(queue, new, now_ms)
  local mode, dedup_id = dedup_split(new.dedup)
  if mode == 'debounce' then
    new.due_ms = math.max(new.due_ms, now_ms + new.window_ms)
  end
  local key = dedup_key(queue, dedup_id)
  local standing = redis.call('HGET', key, 'id')
  if standing and standing ~= new.id then
    local verdict, answer = dedup_meet(queue, key, mode, standing, new, now_ms)
    if verdict then
      return verdict, answer
    end
  end
  dedup_stand(key, mode, new.id, new.window_ms, now_ms)
  return nil
end

local function is_taken(queue, id)
  local prefix = 'qc:{' .. queue .. '}:'
  return redis.call('EXISTS', 'arq:job:' .. id, 'arq:result:' .. id) > 0 or redis.call('ZSCORE', prefix .. 'completed', id)
    or redis.call('ZSCORE', prefix .. 'failed', id) or redis.call('ZSCORE', prefix .. 'cancelled', id)
end

-- Frees a job's dedup id when the job ended or was removed, and places what keep_last held back.
local function dedup_release(queue, id, dedup, now_ms, removed)
  local mode, dedup_id = dedup_split(dedup)
  local key = dedup_key(queue, dedup_id)
  if redis.call('HGET', key, 'id') ~= id then
    return
  end
  if mode == 'throttle' and not removed then
    return
  end
  local held = redis.call('HMGET', key, 'next_id', 'next_payload', 'next_priority', 'next_fields')
  redis.call('DEL', key)
  if held[1] then
    local next_id = held[1]
    if is_taken(queue, next_id) then -- somebody used its id meanwhile
      next_id = next_id .. '.' .. string.format('%d', now_ms)
    end
    create(queue, next_id, held[2], tonumber(held[3]), now_ms, cjson.decode(held[4]), now_ms)
    dedup_stand(key, mode, next_id, 0, now_ms)
    wake(queue, 1)
  end
end
