-- Adds members of a flow: a parent that waits for its children, or a job like any other. Needs score, place, job, dedup,
-- enqueue, flow.
-- A member in a flat list: id, payload, priority, due ms (0: now), number of fields F, F × (field, value), number of
-- children C, C × "<queue>\n<id>".

local HSET_AT_ONCE = 500

local function wait_for_children(queue, id, payload, priority, fields, children, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local flow = {'pending', tostring(#children), 'fatal', '0'}
  redis.call('SET', 'arq:job:' .. id, payload)
  if priority ~= QC_DEFAULT_PRIORITY then
    fields[#fields + 1] = 'pri'
    fields[#fields + 1] = tostring(priority)
  end
  if #fields > 0 then
    redis.call('HSET', prefix .. 'job:' .. id, unpack(fields))
  end
  for _, child in ipairs(children) do
    flow[#flow + 1] = child
    flow[#flow + 1] = 'pending'
    if #flow >= HSET_AT_ONCE then
      redis.call('HSET', prefix .. 'flow:' .. id, unpack(flow))
      flow = {}
    end
  end
  if #flow > 0 then
    redis.call('HSET', prefix .. 'flow:' .. id, unpack(flow))
  end
  redis.call('ZADD', prefix .. 'waiting_children', now_ms, id)
end

local function slice(args, first, count)
  local part = {}
  for i = 1, count do
    part[i] = args[first + i - 1]
  end
  return part
end

-- Adds the member that starts at `i`. Returns verdict, id, and where the next member starts.
local function add_member(queue, args, i, abort_key, now_ms)
  local id, payload, priority, due_ms = args[i], args[i + 1], tonumber(args[i + 2]), tonumber(args[i + 3])
  local field_count = 2 * tonumber(args[i + 4])
  local fields = slice(args, i + 5, field_count)
  local child_count = tonumber(args[i + 5 + field_count])
  local after = i + 6 + field_count + child_count
  if child_count == 0 then
    local verdict = enqueue(queue, {id = id, payload = payload, priority = priority, due_ms = due_ms, fields = fields,
      check = 'own', dedup = '', abort_key = abort_key}, now_ms)
    return verdict, id, after
  end
  local verdict = take_id(queue, id, payload, false, now_ms)
  if not verdict then
    redis.call('ZREM', abort_key, id)
    wait_for_children(queue, id, payload, priority, fields, slice(args, i + 6 + field_count, child_count), now_ms)
  end
  return verdict or 'created', id, after
end

-- Adds members below the root. One whose id is taken counts as failed, so that nobody waits for it.
local function add_members(queue, args, first, abort_key, now_ms)
  local i, added = first, 0
  while i <= #args do
    local verdict, id, after = add_member(queue, args, i, abort_key, now_ms)
    if verdict == 'exists' then
      local link = {}
      for k = i + 5, i + 4 + 2 * tonumber(args[i + 4]), 2 do
        link[args[k]] = args[k + 1]
      end
      local parent_queue, parent_id = string.match(link.parent, '^([^\n]*)\n(.*)$')
      flow_child_ended(queue, id, {queue = parent_queue, id = parent_id, on_fail = link.on_fail}, 'failed', now_ms, '')
    end
    i, added = after, added + 1
  end
  wake(queue, added)
end
