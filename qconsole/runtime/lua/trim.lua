-- Applies retention to a queue that may see no traffic: ended jobs by count and age, resolved dead letters, ends of
-- undo windows, and delayed jobs that are no longer there. A bounded part of it per call.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 JSON defaults of the limits  3 how long resolved dead letters are kept, ms  4 how many of each at most
-- Returns how many entries went; 0: nothing is left to do
--!include score
--!include trim
local queue, prefix, now_ms = KEYS[1], 'qc:{' .. KEYS[1] .. '}:', tonumber(ARGV[1])
local limits, keep_ms, most = cjson.decode(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local NAMES = {'keep_completed', 'keep_completed_ms', 'keep_failed', 'keep_failed_ms'}
local went = 0

local config = redis.call('HMGET', prefix .. 'config', unpack(NAMES))
for i, name in ipairs(NAMES) do
  limits[name] = tonumber(config[i]) or limits[name]
  limits[name] = limits[name] ~= -1 and limits[name] or nil
end
for name, kind in pairs({completed = 'completed', failed = 'failed', cancelled = 'failed'}) do
  local before = redis.call('ZCARD', prefix .. name)
  trim(prefix, prefix .. name, limits['keep_' .. kind], limits['keep_' .. kind .. '_ms'], now_ms)
  went = went + before - redis.call('ZCARD', prefix .. name)
end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'dlq:done', '-inf', now_ms - keep_ms, 'LIMIT', 0, most)) do
  redis.call('DEL', prefix .. 'dl:' .. entry)
  redis.call('ZREM', prefix .. 'dlq:done', entry)
  went = went + 1
end

went = went + redis.call('ZREMRANGEBYSCORE', prefix .. 'trash', '-inf', now_ms)

for _, id in ipairs(redis.call('ZRANGE', prefix .. 'due', 0, most - 1)) do
  if not redis.call('ZSCORE', queue, id) then
    redis.call('ZREM', prefix .. 'due', id)
    went = went + 1
  end
end
return went
