-- Moves an operation from one state to another, if it is in one of those it may come from, and adds the audit's entry.
-- KEYS 1 the operation  2 the operations that have not ended  3 the audit
-- ARGV 1 id  2 now ms  3 new state  4 states it may come from, comma separated  5 audit entries kept
--      6 names and values of the audit's entry (JSON list)  7… further fields and values
-- Returns the state it was in; it moved when that is one of ARGV 4
local was = redis.call('HGET', KEYS[1], 'state')
if not was or not string.find(',' .. ARGV[4] .. ',', ',' .. was .. ',', 1, true) then
  return was
end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'updated_ms', ARGV[2])
for i = 7, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
if ARGV[3] == 'running' or ARGV[3] == 'paused' then
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('PERSIST', KEYS[1])
else
  redis.call('SREM', KEYS[2], ARGV[1])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', unpack(cjson.decode(ARGV[6])))
return was
