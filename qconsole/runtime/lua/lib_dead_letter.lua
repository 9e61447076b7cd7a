-- Resolving dead letters. Needs score, bury.

-- Takes open dead letters out of the open ones as `replayed` or `discarded`, in few calls. `letters` = list of {entry,
-- fp, job_type, replayed_as}; `how` = {actor, reason}.
local function resolve_dead_letters(prefix, letters, state, how, now_ms)
  local at, unlisted, resolved = whole_text(now_ms), {}, {}

  local function unlist(index, entry)
    unlisted[index] = unlisted[index] or {}
    table.insert(unlisted[index], entry)
  end

  for _, letter in ipairs(letters) do
    unlist('dlq', letter.entry)
    unlist('dlq:fp:' .. letter.fp, letter.entry)
    unlist('dlq:type:' .. letter.job_type, letter.entry)
    resolved[#resolved + 1] = at
    resolved[#resolved + 1] = letter.entry
    redis.call('HSET', prefix .. 'dl:' .. letter.entry, 'state', state, 'resolved_ms', at, 'actor', how.actor or '',
      'reason', how.reason or '', 'replayed_as', letter.replayed_as or '')
  end
  for index, entries in pairs(unlisted) do
    redis.call('ZREM', prefix .. index, unpack(entries))
  end
  if #resolved > 0 then
    redis.call('ZADD', prefix .. 'dlq:done', unpack(resolved))
  end
end

-- The same for one that may be resolved already: returns false then. `how` has `replayed_as` too.
local function resolve_dead_letter(prefix, entry, state, how, now_ms)
  local was = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'fp', 'job_type')
  if was[1] ~= 'open' then
    return false
  end
  local letter = {entry = entry, fp = was[2], job_type = was[3], replayed_as = how.replayed_as}
  resolve_dead_letters(prefix, {letter}, state, how, now_ms)
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
