-- Adds a flow in one step: the root and what stands in its queue at once, the rest as effects in the root's outbox,
-- parents before children. The same call again changes nothing.
-- KEYS 1 the root's queue  2 arq:abort of its slot
-- ARGV 1 now ms  2 check of the root's id: own | again  3 a hash with the names of the root's children ('': the root has
--      them itself)  4 how many these are  5 number N of arguments of the first part  6… N arguments: members as
--      lib_flow_add.lua, the root first, all in its queue; then per further part: queue, members packed by cmsgpack
-- Returns {verdict, root id}: created | exists | unstaged (the hash is not complete; nothing was added)
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
--!include flow
--!include flow_add
local FLOWS_KEPT = 100000
local queue, now_ms = KEYS[1], tonumber(ARGV[1])
local prefix, staged, children = 'qc:{' .. queue .. '}:', ARGV[3], tonumber(ARGV[4])
local count, root = tonumber(ARGV[5]), ARGV[6]
local first = slice(ARGV, 6, count)
local taken = take_id(queue, root, ARGV[7], ARGV[2] == 'again', now_ms)
if taken then
  if staged ~= '' then
    redis.call('UNLINK', staged)
  end
  return {taken, root}
end
if staged ~= '' and redis.call('HLEN', staged) ~= children then
  return {'unstaged', root}
end
local _, _, after = add_member(queue, first, 1, KEYS[2], now_ms)
if staged ~= '' then
  redis.call('HSET', staged, 'pending', children, 'fatal', '0')
  redis.call('RENAME', staged, prefix .. 'flow:' .. root)
  redis.call('PERSIST', prefix .. 'flow:' .. root)
end
redis.call('ZADD', prefix .. 'flows', now_ms, root)
redis.call('ZREMRANGEBYRANK', prefix .. 'flows', 0, -FLOWS_KEPT - 1)
add_members(queue, first, after, KEYS[2], now_ms)
for i = 6 + count, #ARGV, 2 do
  local part = (i - 4 - count) / 2 + 1
  redis.call('XADD', prefix .. 'outbox', '*', 'effect', 'flow:' .. root .. '/' .. part .. '@' .. ARGV[1], 'kind',
    'members', 'to', ARGV[i], 'members', ARGV[i + 1])
end
return {'created', root}
