-- Retention of ended jobs. Needs nothing.

-- Deletes what ended jobs left: result, record, log and children's names.
local function drop_ended(prefix, ids, step)
  local gone = {}
  for i = 1, #ids, step do
    local id, n = ids[i], #gone
    gone[n + 1] = 'arq:result:' .. id
    gone[n + 2] = prefix .. 'job:' .. id
    gone[n + 3] = prefix .. 'log:' .. id
    gone[n + 4] = prefix .. 'flow:' .. id
  end
  redis.call('DEL', unpack(gone))
end

-- Exact by count and age: what is over either bound goes. A bound is nil where there is none.
local function trim(prefix, index, keep, keep_ms, now_ms)
  local oldest_ms = -1
  if keep then
    local excess = math.min(redis.call('ZCARD', index) - keep, 500)
    if excess > 0 then
      local popped = redis.call('ZPOPMIN', index, excess)
      drop_ended(prefix, popped, 2)
      oldest_ms = tonumber(popped[#popped])
    end
  end
  if keep_ms and oldest_ms < now_ms - keep_ms then
    local old = redis.call('ZRANGEBYSCORE', index, '-inf', string.format('(%d', now_ms - keep_ms), 'LIMIT', '0', '500')
    if #old > 0 then
      drop_ended(prefix, old, 1)
      redis.call('ZREM', index, unpack(old))
    end
  end
end
