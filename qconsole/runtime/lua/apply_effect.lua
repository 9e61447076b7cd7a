-- Applies an effect from another queue's outbox, once however often it is sent.
-- KEYS 1 the queue it is for  2 arq:abort of its slot
-- ARGV 1 now ms  2 effect  3 kind  4… field, value
-- Returns 1 when it was applied, 0 when that was done before
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include flow_add
local SEEN_MS = 7 * 24 * 3600 * 1000
local queue, now_ms, kind = KEYS[1], tonumber(ARGV[1]), ARGV[3]
local said = {}
for i = 4, #ARGV, 2 do
  said[ARGV[i]] = ARGV[i + 1]
end
local seen = 'qc:{' .. queue .. '}:seen:' .. ARGV[2]
if redis.call('EXISTS', seen) == 1 then
  return 0
end
if kind == 'child_ended' then
  flow_note(queue, said.parent, said.child, said.state, said.on_fail, said.result, now_ms)
elseif kind == 'child_retried' then
  flow_note_retry(queue, said.parent, said.child, said.on_fail, now_ms)
elseif kind == 'child_removed' then
  flow_note_removal(queue, said.parent, said.child, now_ms)
elseif kind == 'child_restored' then
  flow_note_return(queue, said.parent, said.child)
elseif kind == 'members' then
  add_members(queue, cmsgpack.unpack(said.members), 1, KEYS[2], now_ms)
else
  return redis.error_reply('ERR unknown effect ' .. kind)
end
redis.call('SET', seen, '1', 'PX', SEEN_MS)
return 1
