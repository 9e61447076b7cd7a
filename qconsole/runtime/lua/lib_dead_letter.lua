-- Resolving dead letters. Needs score, bury.

-- Takes a dead letter out of the open ones as `replayed` or `discarded`. Returns false when it is not open.
-- `how` = {actor, reason, replayed_as}
local function resolve_dead_letter(prefix, entry, state, how, now_ms)
  local key = prefix .. 'dl:' .. entry
  local was = redis.call('HMGET', key, 'state', 'fp', 'job_type')
  if was[1] ~= 'open' then
    return false
  end
  unlist_dead_letter(prefix, entry, was[2], was[3])
  redis.call('HSET', key, 'state', state, 'resolved_ms', whole_text(now_ms), 'actor', how.actor or '',
    'reason', how.reason or '', 'replayed_as', how.replayed_as or '')
  redis.call('ZADD', prefix .. 'dlq:done', now_ms, entry)
  return true
end

-- Opens a resolved dead letter again. Returns false when it is not resolved.
local function reopen_dead_letter(prefix, entry)
  local key = prefix .. 'dl:' .. entry
  local was = redis.call('HMGET', key, 'state', 'fp', 'job_type', 'buried_ms')
  if not was[1] or was[1] == 'open' then
    return false
  end
  redis.call('HSET', key, 'state', 'open')
  redis.call('HDEL', key, 'resolved_ms', 'actor', 'reason', 'replayed_as')
  redis.call('ZREM', prefix .. 'dlq:done', entry)
  redis.call('ZADD', prefix .. 'dlq', was[4], entry)
  redis.call('ZADD', prefix .. 'dlq:fp:' .. was[2], was[4], entry)
  redis.call('ZADD', prefix .. 'dlq:type:' .. was[3], was[4], entry)
  return true
end
