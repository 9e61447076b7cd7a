-- Puts removed jobs back from the trash: state, place, result, record and log as they were.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2… ids
-- Returns a word for each id: done | missing (not in the trash) | exists (a job has the id)
--!include score
--!include place
--!include job
--!include dedup
--!include flow
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
    if tonumber(copy.result_ttl_ms) > 0 then
      redis.call('PEXPIRE', 'arq:result:' .. id, copy.result_ttl_ms)
    end
  end
  if copy.record then
    redis.call('HSET', prefix .. 'job:' .. id, unpack(cmsgpack.unpack(copy.record)))
  end
  for _, name in ipairs({'log', 'flow'}) do
    local kept = prefix .. 'trash-' .. name .. ':' .. id
    if redis.call('EXISTS', kept) == 1 then
      redis.call('RENAME', kept, prefix .. name .. ':' .. id)
      redis.call('PERSIST', prefix .. name .. ':' .. id)
      if name == 'flow' then
        send_effect(queue, 'unprune:' .. id .. '@' .. ARGV[1], 'unprune', queue, 'parent', id)
      end
    end
  end
end

local function take_dedup(id)
  local dedup = redis.call('HGET', prefix .. 'job:' .. id, 'dedup')
  if dedup then
    local mode, dedup_id = dedup_split(dedup)
    local key = dedup_key(queue, dedup_id)
    if redis.call('EXISTS', key) == 0 then
      dedup_stand(key, mode, id, 0, now_ms)
    end
  end
end

local function restore_place(id, copy)
  if copy.state == 'waiting' or copy.state == 'delayed' then
    redis.call('ZADD', queue, copy.score, id)
    if tonumber(copy.score) >= now_ms + 1 and priority_of(queue, id) ~= QC_DEFAULT_PRIORITY then
      redis.call('ZADD', prefix .. 'due', copy.score, id)
    end
    take_dedup(id)
  else
    redis.call('ZADD', prefix .. copy.state, copy.score, id)
  end
  local parent = redis.call('HGET', prefix .. 'job:' .. id, 'parent')
  if parent and (copy.state == 'waiting' or copy.state == 'delayed' or copy.state == 'waiting_children') then
    local parent_queue, parent_id = string.match(parent, '^([^\n]*)\n(.*)$')
    send_effect(queue, 'child_restored:' .. queue .. '\n' .. id .. '@' .. ARGV[1], 'child_restored', parent_queue,
      'parent', parent_id, 'child', queue .. '\n' .. id)
  end
end

local function restore(id)
  local flat = redis.call('HGETALL', prefix .. 'trash:' .. id)
  if #flat == 0 then
    redis.call('ZREM', prefix .. 'trash', id)
    return 'missing'
  end
  if state_of(queue, id, now_ms) ~= 'missing' or redis.call('EXISTS', 'arq:job:' .. id, 'arq:result:' .. id) > 0 then
    return 'exists'
  end
  local copy = {}
  for i = 1, #flat, 2 do
    copy[flat[i]] = flat[i + 1]
  end
  put_back_keys(id, copy)
  restore_place(id, copy)
  redis.call('DEL', prefix .. 'trash:' .. id)
  redis.call('ZREM', prefix .. 'trash', id)
  return 'done'
end

local words = {}
for i = 2, #ARGV do
  words[i - 1] = restore(ARGV[i])
end
wake(queue, #words)
return words
