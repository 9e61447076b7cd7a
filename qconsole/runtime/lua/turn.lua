-- One turn of a worker on one queue: settles what it finished, then claims what it has room for.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 worker  3 token of this claim  4 free slots (0: claim nothing)  5 lease ms  6 1: keep records
--      7 1: say how many jobs the queue holds  8 JSON defaults of the limits  9 JSON entries to settle ('': none)
--      10… results
-- Returns {words, claimed, next ms, size}: see settle and claim
--!include score
--!include place
--!include dedup
--!include flow
--!include bury
--!include settle
--!include call
--!include claim
local LIMITS = {'concurrency', 'rate_max', 'rate_ms', 'keep_completed', 'keep_completed_ms', 'keep_failed',
  'keep_failed_ms', 'sla_total_ms'}

local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local records = ARGV[6] == '1'
local limits = cjson.decode(ARGV[8])
local config = redis.call('HMGET', 'qc:{' .. queue .. '}:config', unpack(LIMITS))
for i, name in ipairs(LIMITS) do
  limits[name] = tonumber(config[i]) or limits[name] or -1
end

local words, ended, claimed, next_ms = {}, {}, {}, -1
if ARGV[9] ~= '' then
  words, ended = settle(queue, cjson.decode(ARGV[9]), records, limits, now_ms)
end
local prefix = 'qc:{' .. queue .. '}:'
local special = redis.call('EXISTS', abort_key, prefix .. 'paused', prefix .. 'hold', prefix .. 'due') > 0
if special and #ended > 0 then
  redis.call('ZREM', abort_key, unpack(ended))
end
local free = tonumber(ARGV[4])
if free > 0 then
  claimed, next_ms = claim(queue, abort_key, {free = free, token = ARGV[3], worker = ARGV[2],
    lease_ms = tonumber(ARGV[5])}, limits, records, special, now_ms)
end
return {words, claimed, next_ms, ARGV[7] == '1' and redis.call('ZCARD', queue) or -1}
