-- Replays dead letters: a new job with the stored payload and options; the entry is kept as `replayed`. A member of a
-- flow whose job is still listed as failed is put back under its own id, in its place of the flow.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 actor  3 reason, then per entry: entry, new job id, due ms (0: now), payload ('': the stored one)
-- Returns two words for each entry: done | missing | resolved | duplicate, and the job's id
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include retry
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local prefix = 'qc:{' .. queue .. '}:'
local how = {actor = ARGV[2], reason = ARGV[3]}
local CARRIED = {'attempts', 'backoff', 'timeout_ms', 'trace', 'dedup'}
-- Most are due now, at the default priority, and stand for no dedup id: they are written together, in few calls.
local together, seen = {ids = {}, calls = {}, letters = {}}, {}

local function new_fields(entry, options)
  local fields = {'replay_of', entry, 'created_ms', ARGV[1]}
  for _, name in ipairs(CARRIED) do
    if options[name] then
      fields[#fields + 1] = name
      fields[#fields + 1] = options[name]
    end
  end
  return fields
end

local function make_later(id, payload, fields, letter)
  table.insert(together.ids, id)
  table.insert(together.calls, 'arq:job:' .. id)
  table.insert(together.calls, payload)
  table.insert(together.letters, letter)
  redis.call('HSET', prefix .. 'job:' .. id, unpack(fields))
end

local function replay(entry, id, due_ms, payload)
  local stored = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'payload', 'options', 'job_id', 'buried_ms', 'fp', 'job_type')
  if not stored[1] then
    return 'missing', ''
  end
  if stored[1] ~= 'open' or seen[entry] then
    return 'resolved', ''
  end
  local options = stored[3] == '{}' and {} or cjson.decode(stored[3])
  if options.parent and redis.call('ZSCORE', prefix .. 'failed', stored[4]) == stored[5] then
    local told = {actor = how.actor, reason = how.reason, replayed_as = stored[4]}
    return retry(queue, stored[4], due_ms, payload, told, now_ms), stored[4]
  end
  if options.dedup and not string.find(options.dedup, '^until_done\n') then
    options.dedup = nil
  end
  if options.dedup and not stand_again(queue, id, options.dedup, now_ms) then
    return 'duplicate', ''
  end
  seen[entry] = true
  local letter = {entry = entry, fp = stored[6], job_type = stored[7], replayed_as = id}
  local call, fields = payload ~= '' and payload or stored[2], new_fields(entry, options)
  if due_ms == 0 and not options.dedup and not options.pri then
    make_later(id, call, fields, letter)
  else
    create(queue, id, call, tonumber(options.pri or QC_DEFAULT_PRIORITY), due_ms > 0 and due_ms or now_ms, fields, now_ms)
    resolve_dead_letters(prefix, {letter}, 'replayed', how, now_ms)
  end
  return 'done', id
end

local words = {}
for i = 4, #ARGV, 4 do
  local word, id = replay(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3])
  words[#words + 1] = word
  words[#words + 1] = id
end
if #together.ids > 0 then
  redis.call('MSET', unpack(together.calls))
  place_now(queue, together.ids, now_ms)
  resolve_dead_letters(prefix, together.letters, 'replayed', how, now_ms)
end
wake(queue, #words / 2)
return words
