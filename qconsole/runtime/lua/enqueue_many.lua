-- Queues a chunk of jobs that share their options, and names the ones that were not queued. The same call again
-- within a minute changes nothing and answers the same.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 priority  3 check of the ids: fresh | own  4 the chunk's name
--      5 number of shared fields F  6… F × (field, value), then per job: id, payload, due ms (0: now), dedup (as
--      enqueue.lua)
-- Returns the jobs that were not created: index (from 1), verdict, id that stands, and so on
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
local SEEN_MS = 60000
local queue = KEYS[1]
local now_ms, priority, check = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local shared = tonumber(ARGV[5])
local seen_key = 'qc:{' .. queue .. '}:seen:' .. ARGV[4]
local first = 6 + 2 * shared
local count = (#ARGV - first + 1) / 4

-- The common case: nothing but a payload and a score for each job.
local function is_plain()
  if check ~= 'fresh' or shared > 0 or priority ~= QC_DEFAULT_PRIORITY then
    return false
  end
  for i = first, #ARGV, 4 do
    if ARGV[i + 2] ~= '0' or ARGV[i + 3] ~= '' then
      return false
    end
  end
  return true
end

local function add_plain()
  local payloads, places = {}, {}
  local scores = qc_next_scores('qc:{' .. queue .. '}:last', now_ms, count)
  for k = 1, count do
    local i = first + (k - 1) * 4
    payloads[2 * k - 1] = 'arq:job:' .. ARGV[i]
    payloads[2 * k] = ARGV[i + 1]
    places[2 * k - 1] = qc_number(scores[k])
    places[2 * k] = ARGV[i]
  end
  redis.call('MSET', unpack(payloads))
  redis.call('ZADD', queue, unpack(places))
end

local function shared_fields()
  local fields = {}
  for i = 6, first - 1 do
    fields[i - 5] = ARGV[i]
  end
  return fields
end

local function add_each()
  local refused = {}
  for k = 1, count do
    local i = first + (k - 1) * 4
    local verdict, id = enqueue(queue, {id = ARGV[i], payload = ARGV[i + 1], priority = priority,
      due_ms = tonumber(ARGV[i + 2]), check = check, dedup = ARGV[i + 3],
      fields = shared_fields(), abort_key = KEYS[2]}, now_ms)
    if verdict ~= 'created' then
      refused[#refused + 1] = tostring(k)
      refused[#refused + 1] = verdict
      refused[#refused + 1] = id
    end
  end
  return refused
end

local seen = redis.call('GET', seen_key)
if seen then
  return cmsgpack.unpack(seen)
end
local refused = {}
if is_plain() then
  add_plain()
else
  refused = add_each()
end
redis.call('SET', seen_key, cmsgpack.pack(refused), 'PX', SEEN_MS)
wake(queue, count)
return refused
