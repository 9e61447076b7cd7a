-- Sums the counters of one queue over time; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 m | h: minutes or hours  2 first of them  3 points  4 how many of them make a point  5 job type ('': all)
-- Returns for each point: completed, failed, retried, stalled, cancelled, breaches, wait buckets, run buckets;
--   buckets are a flat list of bucket, count
local prefix = 'qc:{' .. KEYS[1] .. '}:' .. ARGV[1] .. ':'
local first, points, step, job_type = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local COUNTERS = {c = 1, f = 2, r = 3, s = 4, x = 5, b = 6}
local HISTOGRAMS = {w = 7, d = 8}

local function add(point, key)
  local stored = redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    local kind, rest, n = string.sub(stored[i], 1, 1), string.sub(stored[i], 3), tonumber(stored[i + 1])
    if COUNTERS[kind] and (job_type == '' or rest == job_type) then
      point[COUNTERS[kind]] = point[COUNTERS[kind]] + n
    elseif HISTOGRAMS[kind] then
      local name, bucket = string.match(rest, '^(.*):(%d+)$')
      if name and (job_type == '' or name == job_type) then
        local buckets = point[HISTOGRAMS[kind]]
        buckets[bucket] = (buckets[bucket] or 0) + n
      end
    end
  end
end

local answers = {}
for p = 0, points - 1 do
  local point = {0, 0, 0, 0, 0, 0, {}, {}}
  for k = 0, step - 1 do
    add(point, prefix .. string.format('%d', first + p * step + k))
  end
  for _, at in pairs(HISTOGRAMS) do
    local flat = {}
    for bucket, n in pairs(point[at]) do
      flat[#flat + 1] = tonumber(bucket)
      flat[#flat + 1] = n
    end
    point[at] = flat
  end
  answers[p + 1] = point
end
return answers
