-- One turn of a worker on one queue: settles what it finished, then claims what it has room for.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 worker  3 token of this claim  4 free slots (0: claim nothing)  5 lease ms  6 1: keep records
--      7 1: say how many jobs the queue holds  8…15 defaults of the limits in the order of LIMITS, -1: none
--      16… entries to settle, see lib_settle.lua
-- Returns {words, claimed, next ms, size, active}: see settle and claim; active: how many jobs all workers hold
--!include score
--!include trim

-- What few turns need: each function that is made costs time in every turn.
local loaded
local function seldom()
  if not loaded then
--!include place
--!include dedup
--!include flow
--!include bury
--!include end
--!include claim_seldom
    loaded = {end_job = end_job, put_back = put_back, event = event, recover_stalled = recover_stalled,
      note_late_stalls = note_late_stalls, note_end_of_pause = note_end_of_pause, promote = promote,
      rate_allows = rate_allows, note_starts = note_starts}
  end
  return loaded
end

--!include settle
--!include call
--!include claim
local LIMITS = {'concurrency', 'rate_max', 'rate_ms', 'keep_completed', 'keep_completed_ms', 'keep_failed',
  'keep_failed_ms', 'sla_total_ms'}

local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local prefix, records, limits = 'qc:{' .. queue .. '}:', ARGV[6] == '1', {}
local config = redis.call('HMGET', prefix .. 'config', 'pause_ends_ms', unpack(LIMITS))
for i, name in ipairs(LIMITS) do
  local limit = config[i + 1] or ARGV[7 + i]
  limits[name] = limit ~= '-1' and tonumber(limit) or nil
end
if config[1] and tonumber(config[1]) <= now_ms then
  seldom().note_end_of_pause(queue, prefix, config[1])
end

local words, ended, claimed, next_ms, active = {}, {}, {}, -1, -1
if #ARGV > 15 then
  words, ended = settle(queue, read_entries(16), records, limits, now_ms)
end
local special = redis.call('EXISTS', abort_key, prefix .. 'paused', prefix .. 'hold', prefix .. 'due') > 0
if special and #ended > 0 then
  redis.call('ZREM', abort_key, unpack(ended))
end
local free = tonumber(ARGV[4])
if free > 0 then
  claimed, next_ms = claim(queue, abort_key, {free = free, token = ARGV[3], worker = ARGV[2], lease_ms = ARGV[5]},
    limits, records, special, now_ms)
  active = next_ms == 0 and redis.call('HLEN', prefix .. 'active') or -1
end
return {words, claimed, next_ms, ARGV[7] == '1' and redis.call('ZCARD', queue) or -1, active}
