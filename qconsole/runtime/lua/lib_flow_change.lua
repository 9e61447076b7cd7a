-- What operators do to members of a flow: retried and removed children, reopened parents. Needs score, place, flow,
-- dead_letter.

local flow_child_retried

-- The parent that a record's fields `parent` and `on_fail` name, or nil.
local function parent_in(named, on_fail)
  if not named then
    return nil
  end
  local queue, id = string.match(named, '^([^\n]*)\n(.*)$')
  return {queue = queue, id = id, on_fail = on_fail or 'fail_parent'}
end

local function parent_of(record)
  return parent_in(unpack(redis.call('HMGET', record, 'parent', 'on_fail')))
end

-- A parent that failed by its children only waits for them again, and so does the parent above it.
local function reopen_parent(queue, id, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local record = prefix .. 'job:' .. id
  redis.call('HDEL', record, 'child_failed')
  local failed_ms = redis.call('ZSCORE', prefix .. 'failed', id)
  if failed_ms then
    local entry = id .. '~' .. whole_text(tonumber(failed_ms))
    local payload = redis.call('HGET', prefix .. 'dl:' .. entry, 'payload')
    if not payload then
      return
    end
    resolve_dead_letter(prefix, entry, 'replayed', {reason = 'its child was retried', replayed_as = id}, now_ms)
    redis.call('SET', 'arq:job:' .. id, payload)
    redis.call('DEL', 'arq:result:' .. id)
    redis.call('ZREM', prefix .. 'failed', id)
    redis.call('HDEL', record, 'error')
  elseif redis.call('EXISTS', 'arq:in-progress:' .. id) == 1 or redis.call('HEXISTS', prefix .. 'active', id) == 1
    or redis.call('ZREM', queue, id) == 0 then
    return
  end
  redis.call('ZREM', prefix .. 'due', id)
  redis.call('ZADD', prefix .. 'waiting_children', now_ms, id)
  local parent = failed_ms and parent_of(record)
  if parent then
    flow_child_retried(queue, id, parent, now_ms)
  end
end

-- Notes in the parent's queue that a child which had ended runs again.
local function flow_note_retry(queue, parent_id, child, on_fail, now_ms)
  local flow, is_trashed = flow_of('qc:{' .. queue .. '}:', parent_id)
  local state = redis.call('HGET', flow, child)
  if not state or state == 'pending' then
    return
  end
  redis.call('HSET', flow, child, 'pending')
  redis.call('HDEL', flow, '=' .. child)
  redis.call('HINCRBY', flow, 'pending', 1)
  if is_lost(state) and on_fail ~= 'continue' and redis.call('HINCRBY', flow, 'fatal', -1) == 0 then
    if is_trashed then
      redis.call('HDEL', flow, 'child_failed')
    else
      reopen_parent(queue, parent_id, now_ms)
    end
  end
end

flow_child_retried = function(queue, id, parent, now_ms)
  local child = queue .. '\n' .. id
  if parent.queue == queue then
    flow_note_retry(queue, parent.id, child, parent.on_fail, now_ms)
  else
    send_effect(queue, 'child_retried:' .. child .. '@' .. qc_number(now_ms), 'child_retried', parent.queue,
      'parent', parent.id, 'child', child, 'on_fail', parent.on_fail)
  end
end

-- Notes in the parent's queue that a child is gone: the parent no longer waits for it.
local function flow_note_removal(queue, parent_id, child, now_ms)
  local flow = 'qc:{' .. queue .. '}:flow:' .. parent_id
  if redis.call('HGET', flow, child) ~= 'pending' then
    return
  end
  redis.call('HDEL', flow, child)
  redis.call('HINCRBY', flow, 'pending', -1)
  release_when_done(queue, flow, parent_id, now_ms)
end

local function flow_child_removed(queue, id, parent, now_ms)
  local child = queue .. '\n' .. id
  if parent.queue == queue then
    flow_note_removal(queue, parent.id, child, now_ms)
  else
    send_effect(queue, 'child_removed:' .. child .. '@' .. qc_number(now_ms), 'child_removed', parent.queue,
      'parent', parent.id, 'child', child)
  end
end

-- Notes in the parent's queue that a removed child is back; one that no longer waits has gone on without it.
local function flow_note_return(queue, parent_id, child)
  local prefix = 'qc:{' .. queue .. '}:'
  local flow = prefix .. 'flow:' .. parent_id
  if redis.call('ZSCORE', prefix .. 'waiting_children', parent_id) and redis.call('HSETNX', flow, child, 'pending') == 1 then
    redis.call('HINCRBY', flow, 'pending', 1)
  end
end
