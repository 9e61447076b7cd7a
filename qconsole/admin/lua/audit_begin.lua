-- Adds an audit entry for a change that is about to be made; until `audit_end` its outcome is unknown.
-- KEYS 1 the audit  2 the outcomes that its entries do not tell
-- ARGV 1 entries kept  2… names and values of the entry
-- Returns the entry's id
local audit, outcomes = KEYS[1], KEYS[2]
local id = redis.call('XADD', audit, 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 2))
redis.call('ZADD', outcomes, string.match(id, '^%d+'), id)
local first = redis.call('XRANGE', audit, '-', '+', 'COUNT', 1)[1]
redis.call('ZREMRANGEBYSCORE', outcomes, '-inf', '(' .. string.match(first[1], '^%d+'))
return id
