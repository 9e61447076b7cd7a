-- Removes jobs that do not run, every key of each; a copy goes to the trash.
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 how long the trash keeps them, ms (0: no copy)  3 actor  4 operation or ''
--      5 states that may be removed, comma separated ('': all)  6… ids
-- Returns a word for each id: done | active | missing | the state that is not to be removed
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include trash
local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local keep_ms, actor, operation, states = tonumber(ARGV[2]), ARGV[3], ARGV[4], ',' .. ARGV[5] .. ','
local prefix = 'qc:{' .. queue .. '}:'
local FLOW_KEPT_MS = 3600000

local REMOVABLE = {}
for _, state in ipairs({'waiting', 'delayed', 'waiting_children', 'failed', 'completed', 'cancelled'}) do
  REMOVABLE[state] = states == ',,' or string.find(states, ',' .. state .. ',', 1, true)
end

-- A word for each of all ids, and what is to be removed: its ids, states and scores.
local function choose()
  local asked, words, chosen, seen = {}, {}, {ids = {}, states = {}, scores = {}}, {}
  for i = 6, #ARGV do
    asked[i - 5] = ARGV[i]
  end
  if #asked == 0 then
    return words, chosen
  end
  local found, scores = states_of(queue, asked, now_ms)
  for i, id in ipairs(asked) do
    if not REMOVABLE[found[i]] then
      words[i] = found[i]
    elseif seen[id] then
      words[i] = 'missing'
    else
      local n = #chosen.ids + 1
      words[i], seen[id] = 'done', true
      chosen.ids[n], chosen.states[n], chosen.scores[n] = id, found[i], scores[i]
    end
  end
  return words, chosen
end

-- The fields of each record, as flat lists; none of a default job that waits.
local function read_records(keys)
  local records = {}
  if redis.call('EXISTS', unpack(keys)) > 0 then
    for i, key in ipairs(keys) do
      local record = redis.call('HGETALL', key)
      records[i] = #record > 0 and record or nil
    end
  end
  return records
end

-- Returns whether nothing of an earlier job of one of the ids can lie in the trash.
local function keep_copies(chosen, keys, records)
  local ids, copies, stored = chosen.ids, {}, redis.call('MGET', unpack(keys))
  for i, id in ipairs(ids) do
    local result = stored[2 * #ids + i] or nil
    copies[2 * i - 1] = id
    copies[2 * i] = trash_pack(chosen.states[i], chosen.scores[i], ARGV[1], actor, operation, stored[i] or nil,
      stored[#ids + i] or nil, result, result and redis.call('PTTL', keys[2 * #ids + i]), records[i])
  end
  return trash_keep(prefix, copies, keep_ms, now_ms) and keep_ms >= FLOW_KEPT_MS
end

-- Sets a list or hash aside that few jobs have; `also` is told which had one. Kept for 0 ms it is deleted.
local function set_aside(ids, name, kept_ms, is_fresh, also)
  local keys = keys_of(ids, prefix .. name .. ':')
  if not is_fresh then
    redis.call('DEL', unpack(keys_of(ids, prefix .. 'trash-' .. name .. ':'))) -- of an earlier job of the same id
  end
  if redis.call('EXISTS', unpack(keys)) == 0 then
    return
  end
  for i, id in ipairs(ids) do
    if redis.call('EXISTS', keys[i]) == 1 then
      redis.call('RENAME', keys[i], prefix .. 'trash-' .. name .. ':' .. id)
      redis.call('PEXPIRE', prefix .. 'trash-' .. name .. ':' .. id, kept_ms)
      also(id)
    end
  end
end

-- The children of a removed parent that have not started go too; the flow's hash is kept to name them.
local function prune_later(id)
  send_effect(queue, 'prune:' .. id .. '@' .. ARGV[1], 'prune', queue, 'parent', id, 'keep_ms', ARGV[2], 'actor', actor)
end

-- Frees what others waited for: the dedup id, the parent's place for a child.
local function let_go(id, record)
  local dedup, parent = field_of(record, 'dedup'), parent_in(field_of(record, 'parent'), field_of(record, 'on_fail'))
  if dedup then
    dedup_release(queue, id, dedup, now_ms, true)
  end
  if parent then
    flow_child_removed(queue, id, parent, now_ms)
  end
end

local words, chosen = choose()
local ids = chosen.ids
if #ids > 0 then
  local keys, record_keys = keys_of(ids, 'arq:job:', 'arq:retry:', 'arq:result:'), keys_of(ids, prefix .. 'job:')
  local records = read_records(record_keys)
  local is_fresh = keep_ms > 0 and keep_copies(chosen, keys, records)
  set_aside(ids, 'log', keep_ms, is_fresh, function() end)
  set_aside(ids, 'flow', math.max(keep_ms, FLOW_KEPT_MS), is_fresh, prune_later)
  unlist_everywhere(queue, ids, abort_key)
  redis.call('DEL', unpack(keys))
  if next(records) then
    redis.call('DEL', unpack(record_keys))
  end
  redis.call('DEL', unpack(keys_of(ids, 'arq:in-progress:')))
  for i, id in ipairs(ids) do
    if records[i] then
      let_go(id, records[i])
    end
  end
end
return words
