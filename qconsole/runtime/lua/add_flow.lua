-- Adds a flow in one step: the root and what stands in its queue at once, the rest as effects in the root's outbox,
-- parents before children. The same call again changes nothing.
-- KEYS 1 the root's queue  2 arq:abort of its slot
-- ARGV 1 now ms  2 check of the root's id: own | again  3 number of parts P, then per part: queue, number of
--      arguments N, N arguments (members as lib_flow_add.lua); the first part belongs to the root's queue and starts
--      with the root
-- Returns {verdict, root id}: created | exists
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
--!include flow
--!include flow_add
local FLOWS_KEPT = 100000
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local root = ARGV[6]
local count = tonumber(ARGV[5])
local first = slice(ARGV, 6, count)
local outbox = 'qc:{' .. queue .. '}:outbox'
local taken = take_id(queue, root, ARGV[7], ARGV[2] == 'again', now_ms)
if taken then
  return {taken, root}
end
local _, _, after = add_member(queue, first, 1, KEYS[2], now_ms)
redis.call('ZADD', 'qc:{' .. queue .. '}:flows', now_ms, root)
redis.call('ZREMRANGEBYRANK', 'qc:{' .. queue .. '}:flows', 0, -FLOWS_KEPT - 1)
add_members(queue, first, after, KEYS[2], now_ms)
local i = 6 + count
for part = 2, tonumber(ARGV[3]) do
  local size = tonumber(ARGV[i + 1])
  redis.call('XADD', outbox, '*', 'effect', 'flow:' .. root .. '/' .. part .. '@' .. ARGV[1], 'kind', 'members',
    'to', ARGV[i], 'members', cmsgpack.pack(slice(ARGV, i + 2, size)))
  i = i + 2 + size
end
return {'created', root}
