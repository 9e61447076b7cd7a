-- Fires a schedule: queues the job of one instant and moves on to the next, once whoever calls.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 schedule  3 the instant that is due, '' to run it out of turn  4 next instant, '' for none
--      5 instants passed over  6 limit of runs, 0 for none  7 overlap  8 job id  9 payload, '' to pass the instant over
--      10 priority  11 due ms
-- Returns {word, job id}: fired | skipped (the run before has not ended) | passed | late (somebody else was first)
--      | over (the limit is reached)
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
local queue, now_ms, schedule = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local prefix = 'qc:{' .. queue .. '}:'
local due, runs = prefix .. 'schedules:due', prefix .. 'schedule:' .. schedule
local limit, overlap, job_id, payload = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]

local function note(word, id)
  event(queue, now_ms, 'schedule_' .. word, id, cjson.encode({schedule = schedule, instant_ms = ARGV[3]}))
  return {word, id}
end

local in_turn = ARGV[3] ~= ''
if in_turn then
  local at = redis.call('ZSCORE', due, schedule)
  if not at or tonumber(at) ~= tonumber(ARGV[3]) then
    return {'late', ''}
  end
  local is_last = limit > 0 and payload ~= '' and (tonumber(redis.call('HGET', runs, 'fired') or 0)) + 1 >= limit
  if ARGV[4] == '' or is_last then
    redis.call('ZREM', due, schedule)
  else
    redis.call('ZADD', due, ARGV[4], schedule)
  end
  if tonumber(ARGV[5]) > 0 then
    redis.call('HINCRBY', runs, 'missed', ARGV[5])
  end
  if payload == '' then
    return note('passed', '')
  end
  if limit > 0 and (tonumber(redis.call('HGET', runs, 'fired') or 0)) >= limit then
    return {'over', ''}
  end
end
local last = redis.call('HGET', runs, 'last_job_id')
if overlap == 'skip' and last and redis.call('EXISTS', 'arq:job:' .. last) == 1 then
  redis.call('HINCRBY', runs, 'skipped', 1)
  return note('skipped', last)
end
local verdict, id = enqueue(queue, {id = job_id, payload = payload, priority = tonumber(ARGV[10]), due_ms = tonumber(ARGV[11]),
  fields = {'schedule', schedule}, check = 'own', abort_key = KEYS[2],
  dedup = overlap == 'queue' and '0\nkeep_last\nschedule:' .. schedule or ''}, now_ms)
if in_turn then
  redis.call('HINCRBY', runs, 'fired', 1)
end
redis.call('HSET', runs, 'last_ms', ARGV[3] ~= '' and ARGV[3] or ARGV[1], 'last_job_id', id)
if verdict == 'created' then
  wake(queue, 1)
end
return note('fired', id)
