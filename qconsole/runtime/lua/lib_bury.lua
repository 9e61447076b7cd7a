-- Dead letters: a job's last failure, kept whole until somebody resolves it. Needs score, place.

local DEAD_LETTER_QUEUE = 'dead-letter'
-- What a replay needs of a job's record to make it again.
local BURIED_OPTIONS = {'pri', 'attempts', 'backoff', 'timeout_ms', 'dedup', 'parent', 'on_fail', 'schedule', 'trace'}

local function whole_text(value)
  return string.format('%d', value)
end

local function buried_options(record)
  local options = cjson.decode('{}')
  local values = redis.call('HMGET', record, unpack(BURIED_OPTIONS))
  for i, name in ipairs(BURIED_OPTIONS) do
    if values[i] then
      options[name] = values[i]
    end
  end
  return next(options) and cjson.encode(options) or '{}'
end

-- Counts a burial in its group.
local function count_group(groups, b, now_ms)
  local group = redis.call('HGET', groups, b.fp)
  local total, first_ms = 0, now_ms
  if group then
    group = cjson.decode(group)
    total, first_ms = group.total, group.first_ms
  end
  redis.call('HSET', groups, b.fp, cjson.encode({error_type = b.error_type, message = b.message, frame = b.frame or '',
    job_type = b.job_type, first_ms = first_ms, last_ms = now_ms, total = total + 1}))
end

-- Takes an entry out of the open ones.
local function unlist_dead_letter(p, entry, fp, job_type)
  redis.call('ZREM', p .. 'dlq', entry)
  redis.call('ZREM', p .. 'dlq:fp:' .. fp, entry)
  redis.call('ZREM', p .. 'dlq:type:' .. job_type, entry)
end

-- Functions of an unchanged arq app have no one who resolves their dead letters: the oldest make room, counted.
local function keep_below_cap(p, job_type, cap)
  while redis.call('ZCARD', p .. 'dlq') > cap do
    local oldest = redis.call('ZRANGE', p .. 'dlq:type:' .. job_type, 0, 0)[1]
    if not oldest then
      return
    end
    unlist_dead_letter(p, oldest, redis.call('HGET', p .. 'dl:' .. oldest, 'fp'), job_type)
    redis.call('DEL', p .. 'dl:' .. oldest)
    redis.call('HINCRBY', p .. 'config', 'dead_letters_dropped', 1)
  end
end

-- Buries a job and returns the dead letter's id, "<job id>~<now ms>"; `now_ms` is also the job's end in `failed`.
-- `b` = {job_type, cause, severity, error (JSON), error_type, message, frame, fp, attempts, stalls, history (JSON or ''),
-- created_ms, due_ms, cap (of open entries in this queue; 0: kept until resolved, and announced)}; payload and options
-- are read from the job.
local function bury(queue, id, b, now_ms)
  local p = 'qc:{' .. queue .. '}:'
  local entry = id .. '~' .. whole_text(now_ms)
  local key = p .. 'dl:' .. entry
  redis.call('HSET', key, 'job_id', id, 'job_type', b.job_type, 'payload', redis.call('GET', 'arq:job:' .. id) or '', 'cause', b.cause,
    'severity', b.severity or 'normal', 'error', b.error, 'fp', b.fp, 'attempts', b.attempts or 0, 'stalls', b.stalls or 0,
    'history', b.history or '', 'options', buried_options(p .. 'job:' .. id), 'buried_ms', whole_text(now_ms),
    'created_ms', b.created_ms and whole_text(b.created_ms) or '', 'due_ms', b.due_ms and whole_text(b.due_ms) or '',
    'state', 'open')
  local at = whole_text(now_ms)
  redis.call('ZADD', p .. 'dlq', at, entry)
  redis.call('ZADD', p .. 'dlq:fp:' .. b.fp, at, entry)
  redis.call('ZADD', p .. 'dlq:type:' .. b.job_type, at, entry)
  count_group(p .. 'dlq:groups', b, now_ms)
  event(queue, now_ms, 'buried', id, cjson.encode({dead_letter = entry, job_type = b.job_type, cause = b.cause,
    severity = b.severity or 'normal', error_type = b.error_type, message = b.message, fp = b.fp}))
  if b.cap > 0 then
    keep_below_cap(p, b.job_type, b.cap)
  elseif queue ~= DEAD_LETTER_QUEUE then
    redis.call('XADD', p .. 'outbox', '*', 'effect', 'dead_letter:' .. entry, 'kind', 'dead_letter', 'to', DEAD_LETTER_QUEUE,
      'entry', entry)
  end
  return entry
end
