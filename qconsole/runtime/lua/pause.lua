-- Pauses or resumes a queue: no job is claimed while it is paused.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 1: pause, 0: resume  3 actor  4 reason  5 until ms ('': until resumed)
-- Returns 1 when it changed, 0 when it was so already (a pause's reason and end are updated)
--!include score
--!include place
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local key = 'qc:{' .. queue .. '}:paused'
local config = 'qc:{' .. queue .. '}:config'
local data = cjson.encode({actor = ARGV[3], reason = ARGV[4]})
if ARGV[2] == '0' then
  local changed = redis.call('DEL', key)
  redis.call('HDEL', config, 'pause_ends_ms')
  if changed == 1 then
    event(queue, now_ms, 'resumed', '', data)
    wake(queue, 16)
  end
  return changed
end
local since_ms = redis.call('HGET', key, 'since_ms')
redis.call('DEL', key)
redis.call('HSET', key, 'reason', ARGV[4], 'actor', ARGV[3], 'since_ms', since_ms or ARGV[1], 'until_ms', ARGV[5])
if ARGV[5] ~= '' then
  redis.call('PEXPIRE', key, math.max(1, tonumber(ARGV[5]) - now_ms))
  redis.call('HSET', config, 'pause_ends_ms', ARGV[5])
else
  redis.call('HDEL', config, 'pause_ends_ms')
end
if since_ms then
  return 0
end
event(queue, now_ms, 'paused', '', data)
return 1
