-- Reads some dead letters of one queue; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 cap of the payload in bytes (0: none of it)  2 number of fields F  3… F fields, then entries
-- Returns for each entry: fields (list), payload (or false), payload bytes
local prefix = 'qc:{' .. KEYS[1] .. '}:dl:'
local cap, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local fields = {}
for i = 1, count do
  fields[i] = ARGV[2 + i]
end
local answers = {}
for i = 3 + count, #ARGV do
  local key = prefix .. ARGV[i]
  local size = redis.call('HSTRLEN', key, 'payload')
  local payload = false
  if size > 0 and cap > 0 and size <= cap then
    payload = redis.call('HGET', key, 'payload')
  end
  answers[#answers + 1] = {redis.call('HMGET', key, unpack(fields)), payload, size}
end
return answers
