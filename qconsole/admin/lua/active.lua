-- Reads who runs what in one queue: our own claims, and what others hold among the first waiting ids.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 how many of the waiting ids to look at
-- Returns a list of id, active entry, … and a list of id, score, … held by plain arq workers
local queue, now_ms, looked_at = KEYS[1], ARGV[1], tonumber(ARGV[2])
local held = {}
local ours = redis.call('HGETALL', 'qc:{' .. queue .. '}:active')
local known = {}
for i = 1, #ours, 2 do
  known[ours[i]] = true
end
for _, range in ipairs({{'-inf', '(0'}, {'(0', now_ms}}) do
  local first, keys = redis.call('ZRANGEBYSCORE', queue, range[1], range[2], 'WITHSCORES', 'LIMIT', 0, looked_at), {}
  for i = 1, #first, 2 do
    keys[#keys + 1] = 'arq:in-progress:' .. first[i]
  end
  local tokens = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
  for n, token in ipairs(tokens) do
    local id, score = first[2 * n - 1], first[2 * n]
    if token and not known[id] then
      held[#held + 1] = id
      held[#held + 1] = score
    end
  end
end
return {ours, held}
