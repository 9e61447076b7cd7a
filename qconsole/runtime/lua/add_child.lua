-- Adds a child to a job that has not ended: one that has not started waits for it, one that runs waits for it when it
-- is put off, tried again, given back or stalls. A child in another queue goes there by the outbox. The same call again changes nothing.
-- KEYS 1 the parent's queue  2 arq:abort of its slot
-- ARGV 1 now ms  2 parent id  3 check of the child's id: fresh | own | again  4 the child's queue  5… the child (as
--      lib_flow_add.lua)
-- Returns {word, child's id}: created | exists (the id is taken) | the state the parent has ended in, or missing
--!include score
--!include place
--!include job
--!include dedup
--!include enqueue
--!include flow
--!include flow_add
local queue, now_ms, parent, check, to = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local prefix = 'qc:{' .. queue .. '}:'
local member = slice(ARGV, 5, #ARGV - 4)
local id, flow = member[1], prefix .. 'flow:' .. parent
local child = to .. '\n' .. id

if redis.call('HEXISTS', flow, child) == 1 then
  return {check == 'again' and 'created' or 'exists', id}
end
local state, score = state_of(queue, parent, now_ms)
if state == 'missing' or state == 'completed' or state == 'failed' or state == 'cancelled' then
  return {state, id}
end
if to == queue then
  local verdict = take_id(queue, id, member[2], false, now_ms)
  if verdict then
    return {verdict, id}
  end
end
redis.call('HSETNX', flow, 'fatal', '0')
redis.call('HINCRBY', flow, 'pending', 1)
redis.call('HSET', flow, child, 'pending')
if not redis.call('HGET', prefix .. 'job:' .. parent, 'parent') then
  redis.call('ZADD', prefix .. 'flows', 'NX', now_ms, parent)
end
if state == 'waiting' or state == 'delayed' then
  redis.call('ZREM', queue, parent)
  redis.call('ZREM', prefix .. 'due', parent)
  flow_wait(queue, parent, state == 'delayed' and due_of(score) or 0, now_ms)
end
if to == queue then
  add_member(queue, member, 1, KEYS[2], now_ms)
  wake(queue, 1)
else
  send_effect(queue, 'child:' .. child .. '@' .. ARGV[1], 'members', to, 'members', cmsgpack.pack(member))
end
return {'created', id}
