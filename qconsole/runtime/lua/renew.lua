-- Renews the leases of a worker's running jobs on one queue, and says which of them are lost or to be cancelled.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 lease ms (0: look for cancellations only)  3… id, token, and so on
-- Returns id, word, and so on: lost, or the ms of the request to cancel
--!include score
local prefix = 'qc:{' .. KEYS[1] .. '}:'
local lease_ms, ids, answers = tonumber(ARGV[2]), {}, {}
for i = 3, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  for i, ms in ipairs(redis.call('ZMSCORE', KEYS[2], unpack(ids))) do
    if ms then
      answers[#answers + 1] = ids[i]
      answers[#answers + 1] = ms
    end
  end
end
if lease_ms == 0 then
  return answers
end
local ends = qc_number(tonumber(ARGV[1]) + lease_ms)
for i, id in ipairs(ids) do
  if redis.call('GET', 'arq:in-progress:' .. id) == ARGV[2 * i + 2] then
    redis.call('PEXPIRE', 'arq:in-progress:' .. id, lease_ms)
    redis.call('ZADD', KEYS[1], 'XX', ends, id)
    redis.call('ZADD', prefix .. 'leases', 'XX', ends, id)
  else
    answers[#answers + 1] = id
    answers[#answers + 1] = 'lost'
  end
end
return answers
