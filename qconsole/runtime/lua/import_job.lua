-- Writes one job that was exported: its keys and its place, unless a job of its id is there.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 id  3 state  4 score  5 payload  6 retries  7 result  8 result TTL ms (0: none)
--      9 number of record fields R, R × (field, value), number of flow fields, those, number of log lines, those
-- Returns done | exists
--!include score
--!include place
--!include job
--!include dedup
local queue, now_ms, id, state, score = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local prefix = 'qc:{' .. queue .. '}:'
local at = 9

if state_of(queue, id, now_ms) ~= 'missing' or redis.call('EXISTS', 'arq:job:' .. id, 'arq:result:' .. id) > 0 then
  return 'exists'
end

-- Takes the next `width` values an entry.
local function take(width)
  local count = tonumber(ARGV[at]) * width
  local taken = {}
  for i = 1, count do
    taken[i] = ARGV[at + i]
  end
  at = at + count + 1
  return taken
end

local function write(command, key, values)
  for i = 1, #values, 200 do
    local part = {}
    for k = i, math.min(i + 199, #values) do
      part[#part + 1] = values[k]
    end
    redis.call(command, key, unpack(part))
  end
end

if ARGV[5] ~= '' then
  redis.call('SET', 'arq:job:' .. id, ARGV[5])
end
if ARGV[6] ~= '' then
  redis.call('SET', 'arq:retry:' .. id, ARGV[6])
end
if ARGV[7] ~= '' then
  redis.call('SET', 'arq:result:' .. id, ARGV[7])
  if tonumber(ARGV[8]) > 0 then
    redis.call('PEXPIRE', 'arq:result:' .. id, ARGV[8])
  end
end
write('HSET', prefix .. 'job:' .. id, take(2))
write('HSET', prefix .. 'flow:' .. id, take(2))
write('RPUSH', prefix .. 'log:' .. id, take(1))
if state == 'waiting' or state == 'delayed' then
  redis.call('ZADD', queue, score, id)
  if tonumber(score) > now_ms and priority_of(queue, id) ~= QC_DEFAULT_PRIORITY then
    redis.call('ZADD', prefix .. 'due', score, id)
  end
  local dedup = redis.call('HGET', prefix .. 'job:' .. id, 'dedup')
  if dedup then
    local mode, dedup_id = dedup_split(dedup)
    if redis.call('EXISTS', dedup_key(queue, dedup_id)) == 0 then
      dedup_stand(dedup_key(queue, dedup_id), mode, id, 0, now_ms)
    end
  end
  wake(queue, 1)
else
  redis.call('ZADD', prefix .. state, score, id)
end
return 'done'
