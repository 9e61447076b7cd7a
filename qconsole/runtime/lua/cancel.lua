-- Cancels jobs: one that waits ends at once; for one that runs its worker is asked.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms, then per job: id, result ('': none), result TTL ms (0: without)
-- Returns a word for each id: done | requested | missing | the state it ended in
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include call
local MINUTE_KEPT_MS = 26 * 3600 * 1000
local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local prefix = 'qc:{' .. queue .. '}:'

local function count_cancelled(job_type)
  local minute = prefix .. 'm:' .. math.floor(now_ms / 60000)
  redis.call('HINCRBY', minute, 'x:' .. job_type, 1)
  redis.call('PEXPIRE', minute, MINUTE_KEPT_MS)
end

local function keep_result(id, result, ttl_ms)
  if result ~= '' then
    redis.call('SET', 'arq:result:' .. id, result)
    if ttl_ms > 0 then
      redis.call('PEXPIRE', 'arq:result:' .. id, ttl_ms)
    end
  end
end

local function cancel(id, result, ttl_ms)
  local state = state_of(queue, id, now_ms)
  if state == 'active' then
    redis.call('ZADD', abort_key, now_ms, id)
    return 'requested'
  end
  if state ~= 'waiting' and state ~= 'delayed' and state ~= 'waiting_children' then
    return state
  end
  local record = prefix .. 'job:' .. id
  local payload = redis.call('GET', 'arq:job:' .. id)
  if payload then
    redis.call('HSET', record, 'payload', payload)
    count_cancelled(job_type_of(payload))
  end
  redis.call('ZREM', queue, id)
  redis.call('ZREM', prefix .. 'due', id)
  redis.call('ZREM', prefix .. 'waiting_children', id)
  redis.call('ZREM', abort_key, id)
  redis.call('DEL', 'arq:job:' .. id, 'arq:retry:' .. id)
  redis.call('ZADD', prefix .. 'cancelled', now_ms, id)
  keep_result(id, result, ttl_ms)
  local dedup, parent = redis.call('HGET', record, 'dedup'), parent_of(record)
  if dedup then
    dedup_release(queue, id, dedup, now_ms, false)
  end
  if parent then
    flow_child_ended(queue, id, parent, 'cancelled', now_ms, result)
  end
  return 'done'
end

local words, cancelled = {}, {}
for i = 2, #ARGV, 3 do
  local word = cancel(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]))
  words[#words + 1] = word
  if word == 'done' then
    cancelled[#cancelled + 1] = ARGV[i]
  end
end
if #cancelled > 0 then
  event(queue, now_ms, 'cancelled', #cancelled == 1 and cancelled[1] or '', cjson.encode({count = #cancelled}))
end
return words
