-- Estimates the bytes that a queue's indexes take, with the keys of their members; changes nothing.
-- KEYS 1 the queue's ZSET
-- ARGV 1 members of each index that are looked at, the newest  2 elements of a key that the server looks at, then for
--   each index: its key, how many prefixes follow, prefixes of the keys of a member
-- Returns the bytes: an index stands for as many members as it holds, each of them for the mean of the sampled ones.
local sampled, nested = tonumber(ARGV[1]), ARGV[2]

local function bytes_of(key)
  return redis.call('MEMORY', 'USAGE', key, 'SAMPLES', nested) or 0
end

local total, at = 0, 3
while at <= #ARGV do
  local index, last = ARGV[at], at + 1 + tonumber(ARGV[at + 1])
  local ids, taken = redis.call('ZRANGE', index, -sampled, -1), 0
  for _, id in ipairs(ids) do
    for i = at + 2, last do
      taken = taken + bytes_of(ARGV[i] .. id)
    end
  end
  if #ids > 0 then
    total = total + bytes_of(index) + taken * redis.call('ZCARD', index) / #ids
  end
  at = last + 1
end
return math.floor(total)
