-- Undoes the resolution of dead letters: a discarded one is open again; a replayed one too, when its job has not
-- started and is taken back.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2… entries
-- Returns a word for each entry: done | open | missing | started (the replay runs, or has run)
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include dead_letter
local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local prefix = 'qc:{' .. queue .. '}:'

local function take_back(entry, id)
  local state = state_of(queue, id, now_ms)
  if (state ~= 'waiting' and state ~= 'delayed') or redis.call('EXISTS', 'arq:retry:' .. id) == 1 then
    return state == 'missing'
  end
  local record = prefix .. 'job:' .. id
  if redis.call('HGET', record, 'replay_of') ~= entry then
    return false
  end
  local dedup = redis.call('HGET', record, 'dedup')
  erase(queue, id, abort_key)
  if dedup then
    dedup_release(queue, id, dedup, now_ms, true)
  end
  return true
end

local function reopen(entry)
  local was = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'replayed_as')
  if not was[1] then
    return 'missing'
  end
  if was[1] == 'replayed' and not take_back(entry, was[2]) then
    return 'started'
  end
  return reopen_dead_letter(prefix, entry) and 'done' or 'open'
end

local words = {}
for i = 2, #ARGV do
  words[i - 1] = reopen(ARGV[i])
end
return words
