-- The trash: copies of removed jobs, those whose undo window ends in the same millisecond in one hash. The ZSET `trash`
-- has id -> that end, which names the hash. Needs score, bury.

-- Keeps copies, a flat list of id and packed copy, for `keep_ms`.
local function trash_keep(prefix, copies, keep_ms, now_ms)
  local until_ms = whole_text(now_ms + keep_ms)
  local key, places = prefix .. 'trash:' .. until_ms, {}
  for i = 1, #copies, 2 do
    places[i], places[i + 1] = until_ms, copies[i]
  end
  redis.call('HSET', key, unpack(copies))
  redis.call('PEXPIRE', key, keep_ms)
  redis.call('ZADD', prefix .. 'trash', unpack(places))
end

-- The copies of removed jobs, each {state, score, removed_ms, actor, operation, payload, retries, result, result_ttl_ms,
-- record (the flat list of its fields)}, where what the job did not have is missing. No entry for one not in the trash.
local function trash_copies(prefix, ids)
  local copies = {}
  for i, until_ms in ipairs(redis.call('ZMSCORE', prefix .. 'trash', unpack(ids))) do
    local packed = until_ms and redis.call('HGET', prefix .. 'trash:' .. until_ms, ids[i])
    copies[i] = packed and cmsgpack.unpack(packed) or nil
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
