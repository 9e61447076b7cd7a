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
local queue, abort_key, now_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local keep_ms, actor, operation, states = tonumber(ARGV[2]), ARGV[3], ARGV[4], ',' .. ARGV[5] .. ','
local prefix = 'qc:{' .. queue .. '}:'
local FLOW_KEPT_MS = 3600000

local function keep_copy(id, state, score)
  local key = prefix .. 'trash:' .. id
  local copy = {'state', state, 'removed_ms', ARGV[1], 'actor', actor, 'operation', operation, 'score', qc_number(score)}
  local stored = redis.call('MGET', 'arq:job:' .. id, 'arq:retry:' .. id, 'arq:result:' .. id)
  for i, name in ipairs({'payload', 'retries', 'result'}) do
    if stored[i] then
      copy[#copy + 1] = name
      copy[#copy + 1] = stored[i]
    end
  end
  if stored[3] then
    copy[#copy + 1] = 'result_ttl_ms'
    copy[#copy + 1] = redis.call('PTTL', 'arq:result:' .. id)
  end
  local record = redis.call('HGETALL', prefix .. 'job:' .. id)
  if #record > 0 then
    copy[#copy + 1] = 'record'
    copy[#copy + 1] = cmsgpack.pack(record)
  end
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(copy))
  redis.call('PEXPIRE', key, keep_ms)
  redis.call('ZADD', prefix .. 'trash', now_ms + keep_ms, id)
  if redis.call('EXISTS', prefix .. 'log:' .. id) == 1 then
    redis.call('RENAME', prefix .. 'log:' .. id, prefix .. 'trash-log:' .. id)
    redis.call('PEXPIRE', prefix .. 'trash-log:' .. id, keep_ms)
  end
end

-- The children of a removed parent that have not started go too; the flow's hash is kept to name them.
local function prune_later(id)
  if redis.call('EXISTS', prefix .. 'flow:' .. id) == 1 then
    redis.call('RENAME', prefix .. 'flow:' .. id, prefix .. 'trash-flow:' .. id)
    redis.call('PEXPIRE', prefix .. 'trash-flow:' .. id, math.max(keep_ms, FLOW_KEPT_MS))
    send_effect(queue, 'prune:' .. id .. '@' .. ARGV[1], 'prune', queue, 'parent', id, 'keep_ms', ARGV[2], 'actor', actor)
  end
end

local function remove(id)
  local state, score = state_of(queue, id, now_ms)
  if state == 'active' or state == 'missing' or (states ~= ',,' and not string.find(states, ',' .. state .. ',', 1, true)) then
    return state
  end
  if keep_ms > 0 then
    keep_copy(id, state, score)
  end
  prune_later(id)
  local record = prefix .. 'job:' .. id
  local dedup, parent = redis.call('HGET', record, 'dedup'), parent_of(record)
  erase(queue, id, abort_key)
  if dedup then
    dedup_release(queue, id, dedup, now_ms, true)
  end
  if parent then
    flow_child_removed(queue, id, parent, now_ms)
  end
  return 'done'
end

local words = {}
for i = 6, #ARGV do
  words[i - 5] = remove(ARGV[i])
end
return words
