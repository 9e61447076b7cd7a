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

-- The common case of many at once: failed jobs that are in no flow, stand for no dedup id, have the default priority and
-- are due now. Returns which of `ids` were put back; the others are for `retry`. Fewer calls: a chunk's time is the
-- server's.
local function retry_plainly(queue, ids, how, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local leases, put_back = {}, {}
  for i, id in ipairs(ids) do
    leases[i] = 'arq:in-progress:' .. id
  end
  local held = redis.call('MGET', unpack(leases))
  local queued, failed = redis.call('ZMSCORE', queue, unpack(ids)), redis.call('ZMSCORE', prefix .. 'failed', unpack(ids))
  local calls, gone, done, entries, by_index = {}, {}, {}, {}, {}

  local function unlist(index, entry)
    by_index[index] = by_index[index] or {}
    table.insert(by_index[index], entry)
  end

  for i, id in ipairs(ids) do
    if failed[i] and not queued[i] and not held[i] and not put_back[id] then
      local record = prefix .. 'job:' .. id
      local entry = id .. '~' .. whole_text(tonumber(failed[i]))
      local said = redis.call('HMGET', record, 'dedup', 'parent', 'pri')
      local letter = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'payload', 'fp', 'job_type')
      if not said[1] and not said[2] and not said[3] and letter[1] == 'open' and letter[2]
        and redis.call('EXISTS', prefix .. 'flow:' .. id) == 0 then
        put_back[id] = true
        done[#done + 1] = id
        calls[#calls + 1] = 'arq:job:' .. id
        calls[#calls + 1] = letter[2]
        gone[#gone + 1] = 'arq:result:' .. id
        gone[#gone + 1] = 'arq:retry:' .. id
        entries[#entries + 1] = now_ms
        entries[#entries + 1] = entry
        unlist('dlq', entry)
        unlist('dlq:fp:' .. letter[3], entry)
        unlist('dlq:type:' .. letter[4], entry)
        redis.call('HDEL', record, 'payload', 'progress', 'expires_ms', 'child_failed', 'stalls')
        redis.call('HSET', prefix .. 'dl:' .. entry, 'state', 'replayed', 'resolved_ms', whole_text(now_ms),
          'actor', how.actor or '', 'reason', how.reason or '', 'replayed_as', id)
      end
    end
  end
  if #done == 0 then
    return put_back
  end
  local places, scores = {}, qc_next_scores(prefix .. 'last', now_ms, #done)
  for i, id in ipairs(done) do
    places[2 * i - 1] = qc_number(scores[i])
    places[2 * i] = id
  end
  redis.call('MSET', unpack(calls))
  redis.call('DEL', unpack(gone))
  redis.call('ZREM', prefix .. 'failed', unpack(done))
  redis.call('ZADD', queue, unpack(places))
  for index, members in pairs(by_index) do
    redis.call('ZREM', prefix .. index, unpack(members))
  end
  redis.call('ZADD', prefix .. 'dlq:done', unpack(entries))
  return put_back
end
