-- A manual retry. Needs score, place, job, dedup, bury, flow, dead_letter, flow_change.

-- Takes the dedup id again; false when another job stands for it.
local function stand_again(queue, id, dedup, now_ms)
  local mode, dedup_id = dedup_split(dedup)
  local key = dedup_key(queue, dedup_id)
  local standing = redis.call('HGET', key, 'id')
  if standing and standing ~= id and redis.call('EXISTS', 'arq:job:' .. standing) == 1 then
    return false
  end
  if not standing then
    dedup_stand(key, mode, id, 0, now_ms)
  end
  return true
end

-- Where a retried job goes: a parent whose children still run waits for them.
local function place_again(queue, id, due_ms, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  if (tonumber(redis.call('HGET', prefix .. 'flow:' .. id, 'pending') or 0)) > 0 then
    redis.call('ZADD', prefix .. 'waiting_children', now_ms, id)
  else
    place(queue, id, priority_of(queue, id), due_ms > 0 and due_ms or now_ms, now_ms)
  end
end

local function retry(queue, id, due_ms, payload, how, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local record = prefix .. 'job:' .. id
  local state, ended_ms = state_of(queue, id, now_ms)
  if state ~= 'failed' and state ~= 'cancelled' then
    return state
  end
  local entry = id .. '~' .. whole_text(ended_ms)
  if payload == '' then
    payload = redis.call('HGET', prefix .. 'dl:' .. entry, 'payload') or redis.call('HGET', record, 'payload')
  end
  if not payload then
    return 'no_payload'
  end
  local dedup = redis.call('HGET', record, 'dedup')
  if dedup and not stand_again(queue, id, dedup, now_ms) then
    return 'duplicate'
  end
  redis.call('ZREM', prefix .. state, id)
  redis.call('SET', 'arq:job:' .. id, payload)
  redis.call('DEL', 'arq:result:' .. id, 'arq:retry:' .. id, 'arq:in-progress:' .. id)
  redis.call('HDEL', record, 'payload', 'progress', 'expires_ms', 'child_failed', 'stalls')
  place_again(queue, id, due_ms, now_ms)
  resolve_dead_letter(prefix, entry, 'replayed', how, now_ms)
  local parent = parent_of(record)
  if parent then
    flow_child_retried(queue, id, parent, now_ms)
  end
  return 'done'
end
