-- Reads what is known about some jobs of one queue; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 parts: p payload, r result, f record fields, h whole record, l log length and children
--      2 cap of payload and result in bytes  3 number of record fields F  4… F fields, then ids
-- Returns for each id: score, children since ms, ended state, ended ms, lease token, active entry, lease end ms,
--   attempts spent, payload, payload bytes, result, result bytes, record (list), log length, children
local queue = KEYS[1]
local p = 'qc:{' .. queue .. '}:'
local parts, cap, field_count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local wants = {}
for i = 1, #parts do
  wants[string.sub(parts, i, i)] = true
end
local fields = {}
for i = 1, field_count do
  fields[i] = ARGV[3 + i]
end
local ENDS = {'failed', 'completed', 'cancelled'}

local function capped(key)
  local size = redis.call('STRLEN', key)
  if size == 0 then
    return false, 0
  end
  return redis.call('GETRANGE', key, 0, cap - 1), size
end

-- The call of a job that was cancelled before it ran.
local function kept_call(id)
  local key = p .. 'job:' .. id
  local size = redis.call('HSTRLEN', key, 'payload')
  if size == 0 or size > cap then
    return false, size
  end
  return redis.call('HGET', key, 'payload'), size
end

local function record(id)
  if wants.h then
    return redis.call('HGETALL', p .. 'job:' .. id)
  end
  return redis.call('HMGET', p .. 'job:' .. id, unpack(fields))
end

local function row(id)
  local found = {redis.call('ZSCORE', queue, id), false, false, false, false, false, false, false, false, 0, false, 0,
    false, 0, 0}
  if found[1] then
    found[5] = redis.call('GET', 'arq:in-progress:' .. id)
    found[6] = redis.call('HGET', p .. 'active', id)
    if found[6] then
      found[7] = redis.call('ZSCORE', p .. 'leases', id)
    end
    found[8] = redis.call('GET', 'arq:retry:' .. id)
  else
    for _, state in ipairs(ENDS) do
      found[4] = redis.call('ZSCORE', p .. state, id)
      if found[4] then
        found[3] = state
        break
      end
    end
    if not found[3] then
      found[2] = redis.call('ZSCORE', p .. 'waiting_children', id)
    end
    if wants.r then
      found[11], found[12] = capped('arq:result:' .. id)
    end
  end
  if wants.p and not found[11] then
    found[9], found[10] = capped('arq:job:' .. id)
    if not found[9] and found[3] then
      found[9], found[10] = kept_call(id)
    end
  end
  if wants.h or (wants.f and field_count > 0) then
    found[13] = record(id)
  end
  if wants.l then
    found[14] = redis.call('LLEN', p .. 'log:' .. id)
    found[15] = redis.call('HLEN', p .. 'flow:' .. id)
  end
  return found
end

local rows = {}
for i = 4 + field_count, #ARGV do
  rows[#rows + 1] = row(ARGV[i])
end
return rows
