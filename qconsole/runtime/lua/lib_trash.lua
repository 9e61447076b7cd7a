-- The trash: copies of removed jobs, those whose undo window ends in the same millisecond in one hash. The ZSET `trash`
-- has id -> that end, which names the hash. Needs score, bury.

-- Keeps copies, a flat list of id and packed copy, for `keep_ms`. Returns whether the trash knew none of the ids.
local function trash_keep(prefix, copies, keep_ms, now_ms)
  local until_ms = whole_text(now_ms + keep_ms)
  local key, places = prefix .. 'trash:' .. until_ms, {}
  for i = 1, #copies, 2 do
    places[i], places[i + 1] = until_ms, copies[i]
  end
  redis.call('HSET', key, unpack(copies))
  redis.call('PEXPIRE', key, keep_ms)
  return redis.call('ZADD', prefix .. 'trash', unpack(places)) == #copies / 2
end

-- A copy: what the job did not have is nil. `record` is the flat list of its fields.
local function trash_pack(state, score, removed_ms, actor, operation, payload, retries, result, result_ttl_ms, record)
  return cmsgpack.pack(state, score, removed_ms, actor, operation, payload, retries, result, result_ttl_ms, record)
end

local function trash_unpack(packed)
  local state, score, _, _, _, payload, retries, result, result_ttl_ms, record = cmsgpack.unpack(packed)
  return {state = state, score = score, payload = payload, retries = retries, result = result,
    result_ttl_ms = result_ttl_ms, record = record or {}}
end

-- The copies of removed jobs; no entry for one that is not in the trash.
local function trash_copies(prefix, ids)
  local copies = {}
  for i, until_ms in ipairs(redis.call('ZMSCORE', prefix .. 'trash', unpack(ids))) do
    local packed = until_ms and redis.call('HGET', prefix .. 'trash:' .. until_ms, ids[i])
    copies[i] = packed and trash_unpack(packed) or nil
  end
  return copies
end

local function trash_drop(prefix, ids)
  for i, until_ms in ipairs(redis.call('ZMSCORE', prefix .. 'trash', unpack(ids))) do
    if until_ms then
      redis.call('HDEL', prefix .. 'trash:' .. until_ms, ids[i])
    end
  end
  redis.call('ZREM', prefix .. 'trash', unpack(ids))
end
