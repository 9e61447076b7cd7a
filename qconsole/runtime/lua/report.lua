-- Notes progress and log lines of running jobs; what a job says whose lease is lost is dropped.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2… id, token, progress | log, value (JSON), and so on
local LINES_KEPT = 1000
local prefix = 'qc:{' .. KEYS[1] .. '}:'
for i = 2, #ARGV, 4 do
  local id, kind, value = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if redis.call('GET', 'arq:in-progress:' .. id) == ARGV[i + 1] then
    if kind == 'progress' then
      redis.call('HSET', prefix .. 'job:' .. id, 'progress', value)
    else
      redis.call('RPUSH', prefix .. 'log:' .. id, value)
      redis.call('LTRIM', prefix .. 'log:' .. id, -LINES_KEPT, -1)
    end
  end
end
return 1
