-- Reads a slice of a ZSET that goes on exactly behind a known place, at any depth, also among equal scores.
-- KEYS 1 the ZSET
-- ARGV 1 asc | desc  2 lowest score  3 highest score  4 limit  5 score behind which to go on, or ''  6 its member
-- Returns member, score, member, score, …
local key, limit = KEYS[1], tonumber(ARGV[4])
local descending = ARGV[1] == 'desc'

if ARGV[5] == '' then
  if descending then
    return redis.call('ZREVRANGEBYSCORE', key, ARGV[3], ARGV[2], 'WITHSCORES', 'LIMIT', 0, limit)
  end
  return redis.call('ZRANGEBYSCORE', key, ARGV[2], ARGV[3], 'WITHSCORES', 'LIMIT', 0, limit)
end

-- Bytewise, as Redis orders members; Lua's own `<` follows the locale.
local function is_less(a, b)
  local size = math.min(#a, #b)
  for i = 1, size do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

-- Rank of the first entry at or behind (score, member).
local function rank_of(score, member)
  if redis.call('ZSCORE', key, member) == score then
    return redis.call('ZRANK', key, member)
  end
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_less(redis.call('ZRANGE', key, middle, middle)[1], member) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local function number(bound)
  if bound == '-inf' then
    return -math.huge
  elseif bound == '+inf' then
    return math.huge
  end
  return tonumber((string.gsub(bound, '%(', '')))
end

local rank = rank_of(ARGV[5], ARGV[6])
local found = {}
if descending then
  if rank == 0 then
    return found
  end
  local slice = redis.call('ZRANGE', key, math.max(0, rank - limit), rank - 1, 'WITHSCORES')
  local lowest, open = number(ARGV[2]), string.sub(ARGV[2], 1, 1) == '('
  for i = #slice - 1, 1, -2 do
    local score = tonumber(slice[i + 1])
    if score < lowest or (open and score == lowest) then
      break
    end
    found[#found + 1] = slice[i]
    found[#found + 1] = slice[i + 1]
  end
  return found
end
local slice = redis.call('ZRANGE', key, rank, rank + limit, 'WITHSCORES')
local highest, open = number(ARGV[3]), string.sub(ARGV[3], 1, 1) == '('
local first = (slice[1] == ARGV[6] and slice[2] == ARGV[5]) and 3 or 1
for i = first, math.min(#slice, first + 2 * limit - 1), 2 do
  local score = tonumber(slice[i + 1])
  if score > highest or (open and score == highest) then
    break
  end
  found[#found + 1] = slice[i]
  found[#found + 1] = slice[i + 1]
end
return found
