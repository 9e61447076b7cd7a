-- Lets a new job in: id uniqueness, deduplication, place. Needs score, place, job, dedup.

-- `job` = {id, payload, priority, due_ms (0: now), fields (flat list), check (of the id: 'fresh' is new and
-- random, 'own' may be taken, 'again' is a call sent again after a lost answer), dedup ('' or "<window ms>\n<mode>\n<dedup id>"), abort_key}.
-- Returns verdict and id: created | exists | duplicate | replaced | follows.
local function enqueue(queue, job, now_ms)
  if job.check ~= 'fresh' or job.dedup ~= '' then
    -- changes nothing, but a full Redis refuses it; once a script has written anything at all it refuses nothing more
    redis.call('SETRANGE', 'arq:job:' .. job.id, 0, '')
  end
  if job.check ~= 'fresh' then
    local verdict = take_id(queue, job.id, job.payload, job.check == 'again', now_ms)
    if verdict then
      return verdict, job.id
    end
    redis.call('ZREM', job.abort_key, job.id) -- an abort meant for an earlier job of this name
  end
  if job.due_ms == 0 then
    job.due_ms = now_ms
  end
  if job.dedup ~= '' then
    local window_ms, dedup = string.match(job.dedup, '^(%d+)\n(.*)$')
    job.window_ms = tonumber(window_ms)
    job.dedup = dedup
    job.fields[#job.fields + 1] = 'dedup'
    job.fields[#job.fields + 1] = dedup
    local standing, answer = dedup_enter(queue, job, now_ms)
    if standing then
      return standing, answer
    end
  end
  create(queue, job.id, job.payload, job.priority, job.due_ms, job.fields, now_ms)
  return 'created', job.id
end
