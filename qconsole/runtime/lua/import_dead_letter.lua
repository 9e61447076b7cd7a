-- Writes one dead letter that was exported, unless it is there.
-- KEYS 1 the queue's ZSET
-- ARGV 1 entry  2 group (JSON, or '')  3… field, value
-- Returns done | exists
local prefix, entry = 'qc:{' .. KEYS[1] .. '}:', ARGV[1]
local key = prefix .. 'dl:' .. entry
if redis.call('EXISTS', key) == 1 then
  return 'exists'
end
local fields = {}
for i = 3, #ARGV do
  fields[i - 2] = ARGV[i]
end
redis.call('HSET', key, unpack(fields))
local said = redis.call('HMGET', key, 'state', 'fp', 'job_type', 'buried_ms', 'resolved_ms')
if said[1] == 'open' then
  redis.call('ZADD', prefix .. 'dlq', said[4], entry)
  redis.call('ZADD', prefix .. 'dlq:fp:' .. said[2], said[4], entry)
  redis.call('ZADD', prefix .. 'dlq:type:' .. said[3], said[4], entry)
else
  redis.call('ZADD', prefix .. 'dlq:done', said[5] or said[4], entry)
end
if ARGV[2] ~= '' then
  redis.call('HSETNX', prefix .. 'dlq:groups', said[2], ARGV[2])
end
return 'done'
