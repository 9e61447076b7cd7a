-- A job's keys as one: whether its id is taken, and how every trace of it goes. Needs score, place.

-- The keys of `ids` with each of some prefixes: what many jobs have is read and deleted in few calls.
local function keys_of(ids, ...)
  local keys = {}
  for _, before in ipairs({...}) do
    for _, id in ipairs(ids) do
      keys[#keys + 1] = before .. id
    end
  end
  return keys
end

-- Takes jobs out of indexes; most of these are empty.
local function unlist(ids, indexes)
  for _, index in ipairs(indexes) do
    if redis.call('EXISTS', index) == 1 then
      redis.call('ZREM', index, unpack(ids))
    end
  end
end

-- Drops what an ended job left behind (not its result).
local function forget_ended(queue, id)
  local p = 'qc:{' .. queue .. '}:'
  unlist({id}, {p .. 'completed', p .. 'failed', p .. 'cancelled', p .. 'flows'})
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

-- The same of many jobs in few calls. Returns a list of states and one of scores, these as text.
local function states_of(queue, ids, now_ms)
  local p = 'qc:{' .. queue .. '}:'
  local held, queued = redis.call('MGET', unpack(keys_of(ids, 'arq:in-progress:'))), redis.call('ZMSCORE', queue, unpack(ids))
  local active, states, scores, rest = redis.call('HMGET', p .. 'active', unpack(ids)), {}, {}, {}
  for i, id in ipairs(ids) do
    local score = queued[i]
    if held[i] and redis.call('EXISTS', 'arq:job:' .. id) == 1 or score and active[i] then
      states[i] = 'active'
    elseif score then
      states[i], scores[i] = tonumber(score) >= now_ms + 1 and 'delayed' or 'waiting', score
    else
      states[i] = 'missing'
      rest[#rest + 1] = i
    end
  end
  for _, name in ipairs({'waiting_children', 'failed', 'completed', 'cancelled'}) do
    local asked, others = {}, {}
    for n, i in ipairs(rest) do
      asked[n] = ids[i]
    end
    local found = #asked > 0 and redis.call('ZMSCORE', p .. name, unpack(asked)) or {}
    for n, i in ipairs(rest) do
      if found[n] then
        states[i], scores[i] = name, found[n]
      else
        others[#others + 1] = i
      end
    end
    rest = others
  end
  return states, scores
end

-- When a job in the queue is due, from its score.
local function due_of(score)
  if score >= 0 then
    return math.floor(score)
  end
  return QC_EPOCH + math.floor(((score - QC_FLOOR) % QC_BAND) / 32)
end

-- A field of a record that was read as a flat list.
local function field_of(record, name)
  for i = 1, #record, 2 do
    if record[i] == name then
      return record[i + 1]
    end
  end
end

local function priority_of(queue, id)
  return tonumber(redis.call('HGET', 'qc:{' .. queue .. '}:job:' .. id, 'pri') or QC_DEFAULT_PRIORITY)
end

-- Takes jobs out of every index they may be in.
local function unlist_everywhere(queue, ids, abort_key)
  local p = 'qc:{' .. queue .. '}:'
  if redis.call('EXISTS', p .. 'active') == 1 then
    redis.call('HDEL', p .. 'active', unpack(ids))
  end
  unlist(ids, {queue, p .. 'due', p .. 'leases', p .. 'waiting_children', abort_key, p .. 'completed', p .. 'failed',
    p .. 'cancelled', p .. 'flows'})
end

-- Deletes every key of a job but its flow and its dead letters.
local function erase(queue, id, abort_key)
  local p = 'qc:{' .. queue .. '}:'
  unlist_everywhere(queue, {id}, abort_key)
  redis.call('DEL', p .. 'job:' .. id, p .. 'log:' .. id, 'arq:job:' .. id, 'arq:retry:' .. id, 'arq:in-progress:' .. id,
    'arq:result:' .. id)
end
