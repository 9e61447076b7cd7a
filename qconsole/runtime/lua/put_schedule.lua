-- Writes a schedule's definition, when it is still what the caller read.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 schedule  3 the JSON that was read ('': none)  4 the new JSON ('': forget it)
--      5 next instant ('': none, 'keep': as it is)  6 kind of event ('': none)  7 its JSON
-- Returns 1, or 0 when somebody changed it meanwhile
--!include score
--!include place
local queue, schedule = KEYS[1], ARGV[2]
local prefix = 'qc:{' .. queue .. '}:'
if (redis.call('HGET', prefix .. 'schedules', schedule) or '') ~= ARGV[3] then
  return 0
end
if ARGV[4] == '' then
  redis.call('HDEL', prefix .. 'schedules', schedule)
  redis.call('DEL', prefix .. 'schedule:' .. schedule)
else
  redis.call('HSET', prefix .. 'schedules', schedule, ARGV[4])
end
if ARGV[5] == '' then
  redis.call('ZREM', prefix .. 'schedules:due', schedule)
elseif ARGV[5] ~= 'keep' then
  redis.call('ZADD', prefix .. 'schedules:due', ARGV[5], schedule)
  wake(queue, 1)
end
if ARGV[6] ~= '' then
  event(queue, tonumber(ARGV[1]), ARGV[6], '', ARGV[7])
end
return 1
