-- Gives back what a worker holds without running it: claims whose answer never arrived. Nothing is counted.
-- KEYS 1 the queue's ZSET
-- ARGV 1 worker  2… ids it does run
-- Returns the ids given back
--!include score
--!include place
local queue, prefix, runs, given = KEYS[1], 'qc:{' .. KEYS[1] .. '}:', {}, {}
for i = 2, #ARGV do
  runs[ARGV[i]] = true
end
local active = redis.call('HGETALL', prefix .. 'active')
for i = 1, #active, 2 do
  local id, token, worker, score = active[i], string.match(active[i + 1], '^([^|]*)|([^|]*)|[^|]*|([^|]*)|')
  if worker == ARGV[1] and not runs[id] then
    redis.call('HDEL', prefix .. 'active', id)
    redis.call('ZREM', prefix .. 'leases', id)
    if redis.call('GET', 'arq:in-progress:' .. id) == token then
      redis.call('DEL', 'arq:in-progress:' .. id)
      redis.call('ZADD', queue, 'XX', score, id)
      given[#given + 1] = id
    end
  end
end
if #given > 0 then
  wake(queue, #given)
end
return given
