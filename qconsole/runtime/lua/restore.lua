-- Puts removed jobs back from the trash: state, place, result, record and log as they were.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2… ids
-- Returns a word for each id: done | missing (not in the trash) | exists (a job has the id)
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include trash
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local prefix = 'qc:{' .. queue .. '}:'

local function put_back_keys(id, copy)
  if copy.payload then
    redis.call('SET', 'arq:job:' .. id, copy.payload)
  end
  if copy.retries then
    redis.call('SET', 'arq:retry:' .. id, copy.retries)
  end
  if copy.result then
    redis.call('SET', 'arq:result:' .. id, copy.result)
    if copy.result_ttl_ms > 0 then
      redis.call('PEXPIRE', 'arq:result:' .. id, copy.result_ttl_ms)
    end
  end
  if #copy.record > 0 then
    redis.call('HSET', prefix .. 'job:' .. id, unpack(copy.record))
  end
end

-- Puts a list or hash back that few jobs had; `also` is told which had one.
local function put_back_aside(ids, name, also)
  local kept = keys_of(ids, prefix .. 'trash-' .. name .. ':')
  if redis.call('EXISTS', unpack(kept)) == 0 then
    return
  end
  for i, id in ipairs(ids) do
    if redis.call('EXISTS', kept[i]) == 1 then
      redis.call('RENAME', kept[i], prefix .. name .. ':' .. id)
      redis.call('PERSIST', prefix .. name .. ':' .. id)
      also(id)
    end
  end
end

-- A parent whose children have ended while it was in the trash does not wait for them.
local function take_up_flow(id)
  local flow = prefix .. 'flow:' .. id
  local failed = redis.call('HGET', flow, 'child_failed')
  if failed then
    redis.call('HDEL', flow, 'child_failed')
    redis.call('HSET', prefix .. 'job:' .. id, 'child_failed', failed)
    flow_release(queue, id, now_ms)
  else
    release_when_done(queue, flow, id, now_ms)
  end
  send_effect(queue, 'unprune:' .. id .. '@' .. ARGV[1], 'unprune', queue, 'parent', id)
end

local function take_dedup(id, dedup)
  local mode, dedup_id = dedup_split(dedup)
  local key = dedup_key(queue, dedup_id)
  if redis.call('EXISTS', key) == 0 then
    dedup_stand(key, mode, id, 0, now_ms)
  end
end

local function restore_place(id, copy)
  local record, is_queued = copy.record, copy.state == 'waiting' or copy.state == 'delayed'
  local dedup, parent = field_of(record, 'dedup'), field_of(record, 'parent')
  redis.call('ZADD', is_queued and queue or prefix .. copy.state, copy.score, id)
  if is_queued and tonumber(copy.score) >= now_ms + 1 and field_of(record, 'pri') then
    redis.call('ZADD', prefix .. 'due', copy.score, id)
  end
  if is_queued and dedup then
    take_dedup(id, dedup)
  end
  if parent and (is_queued or copy.state == 'waiting_children') then
    local parent_queue, parent_id = string.match(parent, '^([^\n]*)\n(.*)$')
    send_effect(queue, 'child_restored:' .. queue .. '\n' .. id .. '@' .. ARGV[1], 'child_restored', parent_queue,
      'parent', parent_id, 'child', queue .. '\n' .. id)
  end
end

-- A word for each id, and which are put back.
local function choose(ids, copies)
  local states, words, gone, seen = states_of(queue, ids, now_ms), {}, {}, {}
  local has_left = redis.call('EXISTS', unpack(keys_of(ids, 'arq:job:', 'arq:result:'))) > 0
  for i, id in ipairs(ids) do
    if not copies[i] or seen[id] then
      words[i] = 'missing'
      gone[#gone + 1] = id
    elseif states[i] ~= 'missing' or has_left and redis.call('EXISTS', 'arq:job:' .. id, 'arq:result:' .. id) > 0 then
      words[i] = 'exists'
    else
      words[i], seen[id] = 'done', true
      gone[#gone + 1] = id
    end
  end
  return words, gone
end

local ids = {}
for i = 2, #ARGV do
  ids[i - 1] = ARGV[i]
end
if #ids == 0 then
  return ids
end
local copies = trash_copies(prefix, ids)
local words, gone = choose(ids, copies)
local put_back = {}
for i, id in ipairs(ids) do
  if words[i] == 'done' then
    put_back[#put_back + 1] = id
    put_back_keys(id, copies[i])
    restore_place(id, copies[i])
  end
end
if #put_back > 0 then
  put_back_aside(put_back, 'log', function() end)
  put_back_aside(put_back, 'flow', take_up_flow)
end
if #gone > 0 then
  trash_drop(prefix, gone)
end
wake(queue, #words)
return words
