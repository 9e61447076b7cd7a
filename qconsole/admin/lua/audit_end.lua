-- Takes down how a change ended: as its audit entry said, or with other facts.
-- KEYS 1 the outcomes that audit entries do not tell
-- ARGV 1 the entry's id  2 facts that replace the entry's (JSON), or ''
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 and ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], string.match(ARGV[1], '^%d+'), ARGV[1] .. ' ' .. ARGV[2])
end
return 1
