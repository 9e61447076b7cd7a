-- Takes down what a runner of an operation did, and tells it whether to go on. One runner at a time holds the lease.
-- KEYS 1 the operation  2 its lease  3 what it did (for undo)  4 the operations that have not ended  5 the audit
-- ARGV 1 the runner's token  2 lease ms  3 now ms  4 done  5 skipped  6 failed  7 reasons of the skipped (JSON counts)
--      8 failures (JSON list)  9 failures kept  10 the place reached  11 what is taken up next (JSON)  12 undo ms
--      13 the state it ends in, or ''  14 jobs a second  15 audit entries kept
--      16 names and values of the audit's entry about its end, but done and failed (JSON list)  17… what was done
-- Returns the state, or `lost` when another runner holds the lease (then nothing is written)
local op, lease, log, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('GET', lease) ~= ARGV[1] then
  return 'lost'
end
redis.call('PEXPIRE', lease, ARGV[2])

local function add_counts(field, text)
  local kept = cjson.decode(redis.call('HGET', op, field) or '{}')
  for why, n in pairs(cjson.decode(text)) do
    kept[why] = (kept[why] or 0) + n
  end
  redis.call('HSET', op, field, next(kept) and cjson.encode(kept) or '{}')
end

local function add_failures(text)
  local kept = cjson.decode(redis.call('HGET', op, 'failures') or '[]')
  for _, failure in ipairs(cjson.decode(text)) do
    if #kept < tonumber(ARGV[9]) then
      kept[#kept + 1] = failure
    end
  end
  redis.call('HSET', op, 'failures', #kept > 0 and cjson.encode(kept) or '[]')
end

for i, field in ipairs({'done', 'skipped', 'failed'}) do
  if ARGV[3 + i] ~= '0' then
    redis.call('HINCRBY', op, field, ARGV[3 + i])
  end
end
if ARGV[7] ~= '{}' then
  add_counts('skips', ARGV[7])
end
if ARGV[8] ~= '[]' then
  add_failures(ARGV[8])
end
redis.call('HSET', op, 'place', ARGV[10], 'taken', ARGV[11], 'updated_ms', ARGV[3], 'rate_now', ARGV[14])
if #ARGV > 16 then
  redis.call('RPUSH', log, unpack(ARGV, 17))
  redis.call('PEXPIRE', log, ARGV[12])
end
local state = redis.call('HGET', op, 'state')
if ARGV[13] ~= '' and state == 'running' then
  state = ARGV[13]
  redis.call('HSET', op, 'state', state, 'finished_ms', ARGV[3], 'taken', '[]')
  redis.call('SREM', active, string.match(op, 'op:(.*)$'))
  redis.call('DEL', lease)
  local entry = cjson.decode(ARGV[16])
  for _, field in ipairs({'done', 'failed'}) do
    entry[#entry + 1] = field
    entry[#entry + 1] = redis.call('HGET', op, field)
  end
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[15], '*', unpack(entry))
elseif state ~= 'running' then
  redis.call('DEL', lease)
end
return state
