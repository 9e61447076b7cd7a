-- Changes fields of a JSON object in a hash, if it is still there.
-- KEYS 1 the hash
-- ARGV 1 field  2 JSON object of changes
-- Returns 1, or 0 when there is no such field
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text then
  return 0
end
local stored = cjson.decode(text)
for name, value in pairs(cjson.decode(ARGV[2])) do
  stored[name] = value
end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(stored))
return 1
