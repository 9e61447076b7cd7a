-- Makes or keeps somebody the leader.
-- KEYS 1 the leader's key
-- ARGV 1 who  2 for how long, ms
-- Returns 1 when he leads, 0 when somebody else does
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
