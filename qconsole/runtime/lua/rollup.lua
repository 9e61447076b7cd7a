-- Adds closed minutes to their hours and to the totals, each once.
-- KEYS 1 the queue's ZSET
-- ARGV 1 last closed minute  2 how long hours are kept, ms  3 how many minutes at most
-- Returns how many minutes are still to do
local prefix = 'qc:{' .. KEYS[1] .. '}:'
local MINUTES_KEPT = 26 * 60
local last, most = tonumber(ARGV[1]), tonumber(ARGV[3])
local done = tonumber(redis.call('GET', prefix .. 'rolled') or 0)
local minute = math.max(done, last - MINUTES_KEPT)
local stop = math.min(last, minute + most)
local keys = {}
for m = minute + 1, stop do
  keys[#keys + 1] = prefix .. 'm:' .. string.format('%d', m)
end
if #keys > 0 and redis.call('EXISTS', unpack(keys)) == 0 then
  minute = stop -- a new or quiet queue
end
while minute < stop do
  minute = minute + 1
  local fields = redis.call('HGETALL', prefix .. 'm:' .. string.format('%d', minute))
  if #fields > 0 then
    local hour = prefix .. 'h:' .. string.format('%d', math.floor(minute / 60))
    for i = 1, #fields, 2 do
      redis.call('HINCRBY', hour, fields[i], fields[i + 1])
      redis.call('HINCRBY', prefix .. 'totals', fields[i], fields[i + 1])
    end
    redis.call('PEXPIRE', hour, ARGV[2])
  end
end
if minute > done then
  redis.call('SET', prefix .. 'rolled', string.format('%d', minute))
end
return last - minute
