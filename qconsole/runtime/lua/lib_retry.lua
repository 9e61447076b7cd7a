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

-- Whether a dead letter was replayed as another job, and that one is still known: it stands for this job.
local function is_replayed(queue, entry, id, now_ms)
  local said = redis.call('HMGET', 'qc:{' .. queue .. '}:dl:' .. entry, 'state', 'replayed_as')
  return said[1] == 'replayed' and said[2] ~= id and state_of(queue, said[2], now_ms) ~= 'missing'
end

-- `how` = {actor, reason, replayed_as, unless_replayed}
local function retry(queue, id, due_ms, payload, how, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local record = prefix .. 'job:' .. id
  local state, ended_ms = state_of(queue, id, now_ms)
  if state ~= 'failed' and state ~= 'cancelled' then
    return state
  end
  local entry = id .. '~' .. whole_text(ended_ms)
  if how.unless_replayed and is_replayed(queue, entry, id, now_ms) then
    return 'replayed'
  end
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
  local history = redis.call('HGET', record, 'history')
  local rows = history and cjson.decode(history) or {}
  if #rows > 0 then
    redis.call('HSET', record, 'attempts_before', rows[#rows].attempt)
  end
  redis.call('ZREM', prefix .. state, id)
  redis.call('SET', 'arq:job:' .. id, payload)
  redis.call('DEL', 'arq:result:' .. id, 'arq:retry:' .. id, 'arq:in-progress:' .. id)
  redis.call('HDEL', record, 'payload', 'progress', 'expires_ms', 'child_failed', 'stalls', 'due_ms')
  place_again(queue, id, due_ms, now_ms)
  resolve_dead_letter(prefix, entry, 'replayed', how, now_ms)
  local parent = parent_of(record)
  if parent then
    flow_child_retried(queue, id, parent, now_ms)
  end
  return 'done'
end

-- The common case of many at once: failed jobs that are in no flow, stand for no dedup id, have the default priority and
-- are due now. Returns which of `ids` were put back; the others are for `retry`. Fewer calls: a chunk's time is the
-- server's.
local function retry_plainly(queue, ids, how, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local states, ended = states_of(queue, ids, now_ms)
  local has_flows = redis.call('EXISTS', unpack(keys_of(ids, prefix .. 'flow:'))) > 0
  local put_back, calls, done, letters = {}, {}, {}, {}
  for i, id in ipairs(ids) do
    local record = prefix .. 'job:' .. id
    if states[i] == 'failed' and not put_back[id] and not (has_flows and redis.call('EXISTS', prefix .. 'flow:' .. id) == 1) then
      local entry = id .. '~' .. whole_text(tonumber(ended[i]))
      local said = redis.call('HMGET', record, 'dedup', 'parent', 'pri', 'payload', 'progress', 'expires_ms',
        'child_failed', 'stalls')
      local letter = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'payload', 'fp', 'job_type', 'attempts')
      if not said[1] and not said[2] and not said[3] and letter[1] == 'open' and letter[2] then
        put_back[id] = true
        done[#done + 1] = id
        calls[#calls + 1] = 'arq:job:' .. id
        calls[#calls + 1] = letter[2]
        redis.call('HINCRBY', record, 'attempts_before', letter[5] or 0)
        letters[#letters + 1] = {entry = entry, fp = letter[3], job_type = letter[4], replayed_as = id}
        if said[4] or said[5] or said[6] or said[7] or said[8] then
          redis.call('HDEL', record, 'payload', 'progress', 'expires_ms', 'child_failed', 'stalls')
        end
      end
    end
  end
  if #done > 0 then
    redis.call('MSET', unpack(calls))
    redis.call('DEL', unpack(keys_of(done, 'arq:result:', 'arq:retry:', 'arq:in-progress:')))
    redis.call('ZREM', prefix .. 'failed', unpack(done))
    place_now(queue, done, now_ms)
    resolve_dead_letters(prefix, letters, 'replayed', how, now_ms)
  end
  return put_back
end
