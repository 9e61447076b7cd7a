-- Flows: what a child's end, retry or removal means for its parent. Needs score, place.
-- A parent waits in waiting_children. Its flow hash has for each child ("<queue>\n<id>") its state, and as "=<child>" its
-- result's bytes; `pending` counts children that have not ended, `fatal` those whose failure fails the parent.

local RESULT_KEPT_BYTES = 65536

local function send_effect(queue, effect, kind, to, ...)
  redis.call('XADD', 'qc:{' .. queue .. '}:outbox', '*', 'effect', effect, 'kind', kind, 'to', to, ...)
end

-- Lets a parent run. A field `child_failed` in its record makes its worker fail it with that child's error.
local function flow_release(queue, parent_id, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local record = prefix .. 'job:' .. parent_id
  if redis.call('ZREM', prefix .. 'waiting_children', parent_id) == 1 then
    local said = redis.call('HMGET', record, 'pri', 'due_ms', 'child_failed')
    local due_ms = said[3] and now_ms or math.max(tonumber(said[2] or 0), now_ms)
    if said[2] then
      redis.call('HDEL', record, 'due_ms')
    end
    place(queue, parent_id, tonumber(said[1] or QC_DEFAULT_PRIORITY), due_ms, now_ms)
    wake(queue, 1)
  end
end

-- Lets a parent wait while a child of its is pending, and then not run before `due_ms`. Returns whether one is.
local function flow_wait(queue, parent_id, due_ms, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  if tonumber(redis.call('HGET', prefix .. 'flow:' .. parent_id, 'pending') or 0) == 0 then
    return false
  end
  redis.call('ZADD', prefix .. 'waiting_children', now_ms, parent_id)
  if due_ms > now_ms then
    redis.call('HSET', prefix .. 'job:' .. parent_id, 'due_ms', string.format('%d', due_ms))
  end
  return true
end

local function release_when_done(queue, flow, parent_id, now_ms)
  if tonumber(redis.call('HGET', flow, 'pending')) == 0 then
    flow_release(queue, parent_id, now_ms)
  end
end

-- Where a parent's children are noted; a removed parent hears of their ends too, as it may be put back.
local function flow_of(prefix, parent_id)
  local flow = prefix .. 'flow:' .. parent_id
  local trashed = prefix .. 'trash-flow:' .. parent_id
  if redis.call('EXISTS', flow) == 0 and redis.call('EXISTS', trashed) == 1 then
    return trashed, true
  end
  return flow, false
end

local function is_lost(state)
  return state == 'failed' or state == 'cancelled'
end

-- Notes a child's end in its parent's queue. The same end again changes nothing.
local function flow_note(queue, parent_id, child, state, on_fail, result, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local flow, is_trashed = flow_of(prefix, parent_id)
  if redis.call('HGET', flow, child) ~= 'pending' then
    return
  end
  redis.call('HSET', flow, child, is_lost(state) and on_fail == 'ignore' and 'ignored' or state)
  if result and result ~= '' and #result <= RESULT_KEPT_BYTES then
    redis.call('HSET', flow, '=' .. child, result)
  end
  redis.call('HINCRBY', flow, 'pending', -1)
  if is_lost(state) and on_fail ~= 'ignore' and on_fail ~= 'continue' then
    redis.call('HINCRBY', flow, 'fatal', 1)
    redis.call('HSET', is_trashed and flow or prefix .. 'job:' .. parent_id, 'child_failed', child)
    flow_release(queue, parent_id, now_ms)
  else
    release_when_done(queue, flow, parent_id, now_ms)
  end
end

-- `parent` = {queue, id, on_fail}; `result` is the result's bytes, if there are any. In another queue's slot the note
-- goes by the outbox.
local function flow_child_ended(queue, id, parent, state, now_ms, result)
  local child = queue .. '\n' .. id
  if parent.queue == queue then
    flow_note(queue, parent.id, child, state, parent.on_fail, result, now_ms)
  else
    send_effect(queue, 'child_ended:' .. child .. '@' .. qc_number(now_ms), 'child_ended', parent.queue, 'parent', parent.id,
      'child', child, 'state', state, 'on_fail', parent.on_fail or '', 'result', result or '')
  end
end
