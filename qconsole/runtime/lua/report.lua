-- Notes progress and log lines of running jobs; what a job says whose lease is lost is dropped.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2… id, token, progress | milestone (progress that is an event too) | log, value (JSON), and so on
--!include score
--!include place
local LINES_KEPT = 1000
local prefix = 'qc:{' .. KEYS[1] .. '}:'
for i = 2, #ARGV, 4 do
  local id, kind, value = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if redis.call('GET', 'arq:in-progress:' .. id) == ARGV[i + 1] then
    if kind == 'log' then
      redis.call('RPUSH', prefix .. 'log:' .. id, value)
      redis.call('LTRIM', prefix .. 'log:' .. id, -LINES_KEPT, -1)
    else
      redis.call('HSET', prefix .. 'job:' .. id, 'progress', value)
      if kind == 'milestone' then
        event(KEYS[1], tonumber(ARGV[1]), 'progress', id, '{"progress":' .. value .. '}')
      end
    end
  end
end
return 1
