-- Writes an operator's note on a dead letter.
-- KEYS 1 the queue's ZSET
-- ARGV 1 entry  2 text
-- Returns 1, or 0 when there is no such entry
local key = 'qc:{' .. KEYS[1] .. '}:dl:' .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
  return 0
end
redis.call('HSET', key, 'note', ARGV[2])
return 1
