-- Reads what is known about some jobs of one queue; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 parts: p payload, r result, f record fields, h whole record, l log length and children
--      2 cap of payload and result in bytes  3 number of record fields F  4… F fields, then ids
-- Returns for each id: score, children since ms, ended state, ended ms, lease token, active entry, lease end ms,
--   attempts spent, payload, payload bytes, result, result bytes, record (list), log length, children
local queue = KEYS[1]
local p = 'qc:{' .. queue .. '}:'
local parts, cap, field_count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local wants, fields, ids, rows = {}, {}, {}, {}
for i = 1, #parts do
  wants[string.sub(parts, i, i)] = true
end
for i = 1, field_count do
  fields[i] = ARGV[3 + i]
end
for i = 4 + field_count, #ARGV do
  ids[#ids + 1] = ARGV[i]
end
if #ids == 0 then
  return rows
end

-- Asks one command about the jobs at some places, in one call.
local function ask(places, command, before_ids, prefix)
  if #places == 0 then
    return {}
  end
  local asked = {}
  for n, i in ipairs(places) do
    asked[n] = prefix .. ids[i]
  end
  return before_ids and redis.call(command, before_ids, unpack(asked)) or redis.call(command, unpack(asked))
end

-- Gives the jobs at some places what was found, in a column, and returns the places where nothing was.
local function note(places, column, found)
  local others = {}
  for n, i in ipairs(places) do
    if found[n] then
      rows[i][column] = found[n]
    else
      others[#others + 1] = i
    end
  end
  return others
end

local function capped(key)
  local value = redis.call('GETRANGE', key, 0, cap - 1)
  if value == '' then
    return false, 0
  end
  return value, #value < cap and #value or redis.call('STRLEN', key)
end

-- The call of a job that was cancelled before it ran.
local function kept_call(id)
  local key = p .. 'job:' .. id
  local size = redis.call('HSTRLEN', key, 'payload')
  if size == 0 or size > cap then
    return false, size
  end
  return redis.call('HGET', key, 'payload'), size
end

local all, queued = {}, {}
for i = 1, #ids do
  all[i] = i
  rows[i] = {false, false, false, false, false, false, false, false, false, 0, false, 0, false, 0, 0}
end
local rest = note(all, 1, ask(all, 'ZMSCORE', queue, ''))
for i, row in ipairs(rows) do
  if row[1] then
    queued[#queued + 1] = i
  end
end
note(queued, 5, ask(queued, 'MGET', nil, 'arq:in-progress:'))
note(queued, 6, ask(queued, 'HMGET', p .. 'active', ''))
note(queued, 8, ask(queued, 'MGET', nil, 'arq:retry:'))
for _, i in ipairs(queued) do
  if rows[i][6] then
    rows[i][7] = redis.call('ZSCORE', p .. 'leases', ids[i])
  end
end
local unended = rest
for _, state in ipairs({'failed', 'completed', 'cancelled'}) do
  local asked = unended
  unended = note(asked, 4, ask(asked, 'ZMSCORE', p .. state, ''))
  for _, i in ipairs(asked) do
    if rows[i][4] then
      rows[i][3] = state
    end
  end
end
note(unended, 2, ask(unended, 'ZMSCORE', p .. 'waiting_children', ''))

local wants_record = wants.h or wants.f and field_count > 0
local has_records = wants_record and ask(all, 'EXISTS', nil, p .. 'job:') > 0 -- a default job that waits has none

for i, id in ipairs(ids) do
  local row = rows[i]
  if wants.r and not row[1] then
    row[11], row[12] = capped('arq:result:' .. id)
  end
  if wants.p and not row[11] then
    row[9], row[10] = capped('arq:job:' .. id)
    if not row[9] and row[3] then
      row[9], row[10] = kept_call(id)
    end
  end
  if has_records then
    row[13] = wants.h and redis.call('HGETALL', p .. 'job:' .. id) or redis.call('HMGET', p .. 'job:' .. id, unpack(fields))
  end
  if wants.l then
    row[14] = redis.call('LLEN', p .. 'log:' .. id)
    row[15] = redis.call('HLEN', p .. 'flow:' .. id)
  end
end
return rows
