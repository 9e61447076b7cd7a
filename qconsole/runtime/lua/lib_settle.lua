-- Settling: the one way a claimed job leaves its worker. Needs score, trim, and what `seldom` loads.

local MINUTE_KEPT_MS = 26 * 3600 * 1000
local COUNTER = {ok = 'c:', failed = 'f:', retry = 'r:', cancelled = 'x:'}
local STATE = {ok = 'completed', failed = 'failed', cancelled = 'cancelled'}

-- Adds the counters of one turn: {[field] = n}.
local function write_metrics(prefix, metrics, now_ms)
  local key = prefix .. 'm:' .. math.floor(now_ms / 60000)
  local is_new = false
  for field, n in pairs(metrics) do
    is_new = redis.call('HINCRBY', key, field, n) == n or is_new
  end
  if is_new then
    redis.call('PEXPIRE', key, MINUTE_KEPT_MS)
  end
end

-- Reads entries of six arguments each: job id, token, head, total ms, JSON of what else is written ('': nothing), result
-- ('': none). A head is the JSON of {kind, job type, result TTL ms ('': none), field of the wait's bucket, field of the
-- run's bucket, whether attempts are counted already}, kind: ok | failed | cancelled | retry | later | back. Ends that
-- have the same one share it decoded.
local function read_entries(first)
  local entries, heads = {}, {}
  for i = first, #ARGV, 6 do
    local text, extra = ARGV[i + 2], ARGV[i + 4]
    local head = heads[text]
    if not head then
      head = cjson.decode(text)
      heads[text] = head
    end
    entries[#entries + 1] = {ARGV[i], ARGV[i + 1], head, tonumber(ARGV[i + 3]), extra ~= '' and cjson.decode(extra), ARGV[i + 5]}
  end
  return entries
end

-- `entries`: {id, token, head, total ms, extra or false, result or ''}, see `read_entries`.
-- `limits`: {keep_completed, keep_completed_ms, keep_failed, keep_failed_ms, sla_total_ms}, nil: unbounded.
-- Returns one word for each entry: ok | taken (somebody else holds it) | gone (nobody does), and the ids that ended.
local function settle(queue, entries, records, limits, now_ms)
  local prefix = 'qc:{' .. queue .. '}:'
  local leases, ended, others, deleted, indexed, metrics, n = {}, {}, {}, {}, {}, {}, 0
  for i, e in ipairs(entries) do
    leases[i] = 'arq:in-progress:' .. e[1]
  end
  local words = redis.call('MGET', unpack(leases)) -- who holds what, until a word takes its place
  for i, e in ipairs(entries) do
    local id, head, extra, result = e[1], e[3], e[5], e[6]
    local kind, job_type = head[1], head[2]
    if words[i] ~= e[2] then
      words[i] = words[i] and 'taken' or 'gone'
    else
      local state, counter = STATE[kind], records and COUNTER[kind]
      words[i] = 'ok'
      if extra and extra.keep_ms then
        redis.call('PEXPIRE', leases[i], extra.keep_ms)
      else
        n = n + 1
        deleted[n] = leases[i]
      end
      if state then
        if extra then
          seldom().end_job(queue, prefix, id, extra, state, result, now_ms)
        end
        ended[#ended + 1] = id
        n = n + 1
        deleted[n] = 'arq:job:' .. id
        if head[6] then
          n = n + 1
          deleted[n] = 'arq:retry:' .. id
        end
        if result == '' then -- none is kept
        elseif head[3] ~= '' then
          redis.call('SET', 'arq:result:' .. id, result, 'PX', head[3])
        else
          redis.call('SET', 'arq:result:' .. id, result)
        end
        if records then
          local index = indexed[state]
          if not index then
            index = {}
            indexed[state] = index
          end
          index[#index + 1] = ARGV[1]
          index[#index + 1] = id
        else
          n = n + 1
          deleted[n] = prefix .. 'job:' .. id
        end
      else
        others[#others + 1] = id
        seldom().put_back(queue, prefix, id, extra, now_ms)
      end
      if counter then
        if extra and extra.event then
          seldom().event(queue, now_ms, 'attempt_failed', id, extra.event)
        end
        local field, wait, run = counter .. job_type, head[4], head[5]
        metrics[field] = (metrics[field] or 0) + 1
        metrics[wait] = (metrics[wait] or 0) + 1
        metrics[run] = (metrics[run] or 0) + 1
        if state and limits.sla_total_ms and e[4] > limits.sla_total_ms then
          metrics['b:' .. job_type] = (metrics['b:' .. job_type] or 0) + 1
          seldom().event(queue, now_ms, 'breach', id, cjson.encode({job_type = job_type, total_ms = e[4],
            target_ms = limits.sla_total_ms}))
        end
      end
    end
  end
  for _, ids in ipairs({ended, others}) do
    if #ids > 0 then
      redis.call('ZREM', prefix .. 'leases', unpack(ids))
      redis.call('HDEL', prefix .. 'active', unpack(ids))
    end
  end
  if n > 0 then
    redis.call('DEL', unpack(deleted))
  end
  if #ended > 0 then
    redis.call('ZREM', queue, unpack(ended))
  end
  for name, index in pairs(indexed) do
    redis.call('ZADD', prefix .. name, unpack(index))
    if name == 'completed' then
      trim(prefix, prefix .. name, limits.keep_completed, limits.keep_completed_ms, now_ms)
    else
      trim(prefix, prefix .. name, limits.keep_failed, limits.keep_failed_ms, now_ms)
    end
  end
  write_metrics(prefix, metrics, now_ms)
  return words, ended
end
