-- Reads the copies of some removed jobs of one queue; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 cap of payload and result in bytes, then pairs: id, ms when its undo window ends
-- Returns for each: false when there is no copy, else state, removed ms, actor, operation, payload, payload bytes,
--   result, result bytes
-- A copy's layout: lib_trash.lua of the runtime.
local prefix, cap = 'qc:{' .. KEYS[1] .. '}:trash:', tonumber(ARGV[1])

local function row(id, until_ms)
  local packed = redis.call('HGET', prefix .. until_ms, id)
  if not packed then
    return false
  end
  local state, _, removed_ms, actor, operation, payload, _, result = cmsgpack.unpack(packed)
  payload, result = payload or '', result or ''
  return {state, removed_ms, actor, operation, string.sub(payload, 1, cap), #payload, string.sub(result, 1, cap), #result}
end

local rows = {}
for i = 2, #ARGV, 2 do
  rows[#rows + 1] = row(ARGV[i], ARGV[i + 1])
end
return rows
