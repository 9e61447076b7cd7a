-- Changes jobs that wait or are delayed: due time, priority, payload, attempts.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 due ms or ''  3 priority or ''  4 payload or ''  5 attempts or ''  6 the one state that may be changed
--      or ''  7… ids
-- Returns a word for each id: done, or the state it is in instead
--!include score
--!include place
--!include job
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local due_ms, priority, payload, attempts, only = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local prefix = 'qc:{' .. queue .. '}:'

local function edit(id)
  local state, score = state_of(queue, id, now_ms)
  if (state ~= 'waiting' and state ~= 'delayed') or (only ~= '' and state ~= only) then
    return state
  end
  local record = prefix .. 'job:' .. id
  if payload ~= '' then
    redis.call('SET', 'arq:job:' .. id, payload)
  end
  if attempts ~= '' then
    redis.call('HSET', record, 'attempts', attempts)
  end
  if due_ms or priority then
    if priority == QC_DEFAULT_PRIORITY then
      redis.call('HDEL', record, 'pri')
    elseif priority then
      redis.call('HSET', record, 'pri', tostring(priority))
    end
    redis.call('ZREM', queue, id)
    redis.call('ZREM', prefix .. 'due', id)
    place(queue, id, priority or priority_of(queue, id), due_ms or due_of(score), now_ms)
  end
  return 'done'
end

local words = {}
for i = 7, #ARGV do
  words[i - 6] = edit(ARGV[i])
end
wake(queue, #words)
return words
