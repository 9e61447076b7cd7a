-- A job's keys as one: whether its id is taken, and how every trace of it goes. Needs score, place.

-- Drops what an ended job left behind (not its result).
local function forget_ended(queue, id)
  local p = 'qc:{' .. queue .. '}:'
  redis.call('ZREM', p .. 'completed', id)
  redis.call('ZREM', p .. 'failed', id)
  redis.call('ZREM', p .. 'cancelled', id)
  redis.call('ZREM', p .. 'flows', id)
  redis.call('DEL', p .. 'job:' .. id, p .. 'log:' .. id, p .. 'flow:' .. id)
end

local function has_ended(queue, id)
  local p = 'qc:{' .. queue .. '}:'
  return redis.call('ZSCORE', p .. 'completed', id) or redis.call('ZSCORE', p .. 'failed', id)
    or redis.call('ZSCORE', p .. 'cancelled', id)
end

-- Claims an id for a new job. Returns 'exists' when a job or a kept result has it. A call sent `again`, after an answer
-- that got lost, finds its own job: with the same payload while it waits, or ended after the call was made.
local function take_id(queue, id, payload, again, now_ms)
  local held = redis.call('GET', 'arq:job:' .. id)
  if held then
    return again and held == payload and 'created' or 'exists'
  end
  local ended_ms = has_ended(queue, id)
  if again and ended_ms and tonumber(ended_ms) >= now_ms then
    return 'created'
  end
  if redis.call('EXISTS', 'arq:result:' .. id) == 1 then
    return 'exists'
  end
  if ended_ms then
    forget_ended(queue, id)
  end
  return nil
end

-- The job's state, 'missing' when there is none. A job whose lease ran out is active until a claim recovers it.
local function state_of(queue, id, now_ms)
  local p = 'qc:{' .. queue .. '}:'
  if redis.call('EXISTS', 'arq:in-progress:' .. id) == 1 and redis.call('EXISTS', 'arq:job:' .. id) == 1 then
    return 'active'
  end
  local score = redis.call('ZSCORE', queue, id)
  if score then
    if redis.call('HEXISTS', p .. 'active', id) == 1 then
      return 'active'
    end
    return tonumber(score) >= now_ms + 1 and 'delayed' or 'waiting', tonumber(score)
  end
  for _, name in ipairs({'waiting_children', 'failed', 'completed', 'cancelled'}) do
    score = redis.call('ZSCORE', p .. name, id)
    if score then
      return name, tonumber(score)
    end
  end
  return 'missing'
end

-- When a job in the queue is due, from its score.
local function due_of(score)
  if score >= 0 then
    return math.floor(score)
  end
  return QC_EPOCH + math.floor(((score - QC_FLOOR) % QC_BAND) / 32)
end

local function priority_of(queue, id)
  return tonumber(redis.call('HGET', 'qc:{' .. queue .. '}:job:' .. id, 'pri') or QC_DEFAULT_PRIORITY)
end

-- Deletes every key of a job but its dead letters.
local function erase(queue, id, abort_key)
  local p = 'qc:{' .. queue .. '}:'
  redis.call('ZREM', queue, id)
  redis.call('ZREM', p .. 'due', id)
  redis.call('ZREM', p .. 'leases', id)
  redis.call('HDEL', p .. 'active', id)
  redis.call('ZREM', p .. 'waiting_children', id)
  redis.call('ZREM', abort_key, id)
  forget_ended(queue, id)
  redis.call('DEL', 'arq:job:' .. id, 'arq:retry:' .. id, 'arq:in-progress:' .. id, 'arq:result:' .. id)
end
