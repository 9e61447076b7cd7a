-- Puts back jobs of plain arq that ended and of which only the result is kept. arq reads a call from a result's bytes:
-- they hold all that a call holds.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 due ms (0: now)  3 payload ('': the result's bytes)  4… ids
-- Returns a word for each id: done | missing | the state it is in
--!include score
--!include place
--!include job
local queue, now_ms, due_ms, payload = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local function retry_result(id)
  local state = state_of(queue, id, now_ms)
  if state ~= 'missing' then
    return state
  end
  local result = redis.call('GET', 'arq:result:' .. id)
  if not result or redis.call('EXISTS', 'arq:job:' .. id) == 1 then
    return 'missing'
  end
  redis.call('SET', 'arq:job:' .. id, payload ~= '' and payload or result)
  redis.call('DEL', 'arq:result:' .. id, 'arq:retry:' .. id)
  place(queue, id, QC_DEFAULT_PRIORITY, due_ms > 0 and due_ms or now_ms, now_ms)
  return 'done'
end

local words = {}
for i = 4, #ARGV do
  words[i - 3] = retry_result(ARGV[i])
end
wake(queue, #words)
return words
