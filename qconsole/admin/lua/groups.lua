-- Reads what is to be shown of some error groups of one queue; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 first hour (epoch ms // 3,600,000)  2 number of hours  3 number of samples, then fingerprints
-- Returns for each: entries buried in each hour (list), the newest entries (list), their notes (list, '' for none)
local prefix, HOUR_MS = 'qc:{' .. KEYS[1] .. '}:', 3600000
local first_hour, hours, samples = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- An hour after the newest entry, or before the oldest, needs no call.
local function trend(index)
  local counts = {}
  local oldest, newest = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2], redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  for i = 1, hours do
    local start_ms = (first_hour + i - 1) * HOUR_MS
    local end_ms = start_ms + HOUR_MS
    if not oldest or tonumber(newest) < start_ms or tonumber(oldest) >= end_ms then
      counts[i] = 0
    else
      counts[i] = redis.call('ZCOUNT', index, string.format('%d', start_ms), string.format('(%d', end_ms))
    end
  end
  return counts
end

local answers = {}
for i = 4, #ARGV do
  local index = prefix .. 'dlq:fp:' .. ARGV[i]
  local entries, notes = redis.call('ZREVRANGE', index, 0, samples - 1), {}
  for n, entry in ipairs(entries) do
    notes[n] = redis.call('HGET', prefix .. 'dl:' .. entry, 'note') or ''
  end
  answers[#answers + 1] = {trend(index), entries, notes}
end
return answers
