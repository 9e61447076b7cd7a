-- Queues one job under an id the caller chose; the same call again changes nothing.
-- include: lib_place lib_dedup
-- KEYS 1 the queue's ZSET  2 arq:abort of its slot
-- ARGV 1 now ms  2 job id  3 payload  4 priority  5 due ms (0: now)
--      6 check: 0 a fresh random id, 1 an id that may exist, 2 the same again after a lost answer
--      7 dedup "<mode>\n<dedup id>" or ''  8 dedup window ms  9… field, value of the job's hash
-- Returns {verdict, job id}: created | exists | duplicate | replaced | follows
local queue = KEYS[1]
local now_ms = tonumber(ARGV[1])
local id, payload, priority, due_ms = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local check, dedup = ARGV[6], ARGV[7]
local fields = {}
for i = 9, #ARGV do
  fields[i - 8] = ARGV[i]
end
if due_ms == 0 then
  due_ms = now_ms
end

if check ~= '0' then
  local verdict = take_id(queue, id, check == '2', KEYS[2])
  if verdict then
    return {verdict, id}
  end
end
if dedup ~= '' then
  local mode, dedup_id = dedup_split(dedup)
  local window_ms = tonumber(ARGV[8])
  if mode == 'debounce' then
    due_ms = math.max(due_ms, now_ms + window_ms)
  end
  fields[#fields + 1] = 'dedup'
  fields[#fields + 1] = dedup
  local verdict, answer = dedup_enter(queue, {id = id, mode = mode, dedup_id = dedup_id, window_ms = window_ms,
    payload = payload, priority = priority, due_ms = due_ms, fields = fields, now_ms = now_ms})
  if verdict then
    return {verdict, answer}
  end
end
create(queue, id, payload, priority, due_ms, fields, now_ms)
wake(queue, 1)
return {'created', id}
