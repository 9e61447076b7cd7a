-- Ends somebody's lead.
-- KEYS 1 the leader's key
-- ARGV 1 who
-- Returns 1 when he led
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
