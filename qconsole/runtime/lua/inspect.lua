-- Looks at a stretch of one index and names what contradicts the others, in one consistent view.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 index: queue | active | leases | due | waiting_children | completed | failed | cancelled | dlq
--      | dlq:done | trash  3 first rank  4 how many
-- Returns {how many were looked at, code, id, code, id, …}
local queue, prefix, now_ms = KEYS[1], 'qc:{' .. KEYS[1] .. '}:', tonumber(ARGV[1])
local found = {0}

local function report(code, id)
  found[#found + 1] = code
  found[#found + 1] = id
end

local function listed(id, names)
  for _, name in ipairs(names) do
    if redis.call('ZSCORE', name == 'queue' and queue or prefix .. name, id) then
      return true
    end
  end
  return false
end

local ENDED = {'completed', 'failed', 'cancelled'}
local look = {}

look['queue'] = function(id)
  if listed(id, ENDED) or listed(id, {'waiting_children'}) then
    report('two_states', id)
  end
  if redis.call('EXISTS', 'arq:job:' .. id, 'arq:in-progress:' .. id) == 0 then
    report('no_call', id)
  end
end

look['active'] = function(id)
  if not redis.call('ZSCORE', prefix .. 'leases', id) then
    report('active_without_lease', id)
  end
  if not redis.call('ZSCORE', queue, id) then
    report('active_outside_queue', id)
  end
end

look['leases'] = function(id)
  if redis.call('HEXISTS', prefix .. 'active', id) == 0 then
    report('lease_without_active', id)
  end
end

look['due'] = function(id)
  if not redis.call('ZSCORE', queue, id) then
    report('due_outside_queue', id)
  elseif redis.call('HEXISTS', prefix .. 'job:' .. id, 'pri') == 0 then
    report('due_without_priority', id)
  end
end

look['waiting_children'] = function(id)
  if listed(id, ENDED) then
    report('two_states', id)
  end
  if redis.call('EXISTS', 'arq:job:' .. id) == 0 then
    report('no_call', id)
  end
  local flow = redis.call('HGETALL', prefix .. 'flow:' .. id)
  local pending, counted = 0, nil
  for i = 1, #flow, 2 do
    if flow[i] == 'pending' then
      counted = tonumber(flow[i + 1])
    elseif flow[i + 1] == 'pending' and string.find(flow[i], '\n', 1, true) then
      pending = pending + 1
    end
  end
  if counted ~= pending then
    report('flow_miscounted', id)
  elseif pending == 0 then
    report('waits_for_nobody', id)
  end
end

local function look_at_ended(id)
  local others = 0
  for _, name in ipairs(ENDED) do
    others = others + (redis.call('ZSCORE', prefix .. name, id) and 1 or 0)
  end
  if others > 1 then
    report('two_states', id)
  end
  if redis.call('EXISTS', 'arq:job:' .. id) == 1 then
    report('ended_with_call', id)
  end
end

look['completed'], look['failed'], look['cancelled'] = look_at_ended, look_at_ended, look_at_ended

look['dlq'] = function(id)
  local entry = redis.call('HMGET', prefix .. 'dl:' .. id, 'state', 'fp', 'job_type')
  if not entry[1] then
    report('dead_letter_lost', id)
  elseif entry[1] ~= 'open' or redis.call('ZSCORE', prefix .. 'dlq:done', id) then
    report('dead_letter_two_states', id)
  elseif not redis.call('ZSCORE', prefix .. 'dlq:fp:' .. entry[2], id)
    or not redis.call('ZSCORE', prefix .. 'dlq:type:' .. entry[3], id) then
    report('dead_letter_unlisted', id)
  end
end

look['dlq:done'] = function(id)
  local state = redis.call('HGET', prefix .. 'dl:' .. id, 'state')
  if not state then
    report('dead_letter_lost', id)
  elseif state == 'open' then
    report('dead_letter_two_states', id)
  end
end

look['trash'] = function(id)
  local until_ms = redis.call('ZSCORE', prefix .. 'trash', id)
  if tonumber(until_ms) > now_ms and redis.call('HEXISTS', prefix .. 'trash:' .. until_ms, id) == 0 then
    report('trash_lost', id)
  end
end

local index, first = ARGV[2], tonumber(ARGV[3])
local last = first + tonumber(ARGV[4]) - 1
local ids
if index == 'active' then
  ids = redis.call('HKEYS', prefix .. 'active')
else
  ids = redis.call('ZRANGE', index == 'queue' and queue or prefix .. index, first, last)
end
for _, id in ipairs(ids) do
  look[index](id)
end
found[1] = #ids
return found
