-- Queues one job under an id the caller chose; the same call again changes nothing.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 job id  3 payload  4 priority  5 due ms (0: now)  6 check: fresh | own | again
--      7 dedup ('' or as lib_enqueue.lua)  8… field, value of the job's hash
-- Returns {verdict, job id}: created | exists | duplicate | replaced | follows (keep_last: it runs after that one)
--!include score

-- The common case, before all that it does without is defined: each function costs time in every call.
if #ARGV == 7 and tonumber(ARGV[4]) == QC_DEFAULT_PRIORITY and ARGV[5] == '0' and ARGV[6] == 'fresh'
  and ARGV[7] == '' then
  local last_key = 'qc:{' .. KEYS[1] .. '}:last'
  local score = qc_number(qc_next_score(last_key, tonumber(ARGV[1])))
  redis.call('MSET', 'arq:job:' .. ARGV[2], ARGV[3], last_key, score)
  redis.call('ZADD', KEYS[1], score, ARGV[2])
  wake(KEYS[1], 1)
  return {'created', ARGV[2]}
end

--!include place
--!include job
--!include dedup
--!include enqueue
local fields = {}
for i = 8, #ARGV do
  fields[i - 7] = ARGV[i]
end
local job = {id = ARGV[2], payload = ARGV[3], priority = tonumber(ARGV[4]), due_ms = tonumber(ARGV[5]),
  check = ARGV[6], dedup = ARGV[7], fields = fields, abort_key = KEYS[2]}
local verdict, id = enqueue(KEYS[1], job, tonumber(ARGV[1]))
if verdict == 'created' then
  wake(KEYS[1], 1)
end
return {verdict, id}
