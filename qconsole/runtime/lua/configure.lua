-- Writes one part of a queue's limits, and what counts: the operator's over the code's.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 part: code | operator  3 JSON object of that part's changes (null: no longer said)  4 1: replace it
--      5 actor
-- Returns what counts now as a JSON object
--!include score
--!include place
local queue, now_ms, part = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local key = 'qc:{' .. queue .. '}:config'
local parts = {}
for _, name in ipairs({'code', 'operator'}) do
  parts[name] = cjson.decode(redis.call('HGET', key, name) or '{}')
end
if ARGV[4] == '1' then
  parts[part] = cjson.decode('{}')
end
local counted = {}
for _, name in ipairs({'code', 'operator'}) do
  for field in pairs(parts[name]) do
    counted[field] = true
  end
end
for field, value in pairs(cjson.decode(ARGV[3])) do
  counted[field] = true
  parts[part][field] = value ~= cjson.null and value or nil
end
redis.call('HSET', key, part, next(parts[part]) and cjson.encode(parts[part]) or '{}')
local says = {}
for field in pairs(counted) do
  local value = parts.operator[field]
  if value == nil then
    value = parts.code[field]
  end
  if type(value) == 'number' then
    redis.call('HSET', key, field, qc_number(value))
    says[field] = value
  else
    redis.call('HDEL', key, field)
  end
end
if part == 'operator' then
  event(queue, now_ms, 'limited', '', cjson.encode({actor = ARGV[5], changes = ARGV[3]}))
end
wake(queue, 16)
return cjson.encode(says)
