-- Resolves dead letters as discarded.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 actor  3 reason  4… entries
-- Returns a word for each entry: done | resolved | missing
--!include score
--!include place
--!include bury
--!include dead_letter
local prefix, now_ms = 'qc:{' .. KEYS[1] .. '}:', tonumber(ARGV[1])
local words, open, seen = {}, {}, {}
for i = 4, #ARGV do
  local entry = ARGV[i]
  local was = redis.call('HMGET', prefix .. 'dl:' .. entry, 'state', 'fp', 'job_type')
  if not was[1] then
    words[i - 3] = 'missing'
  elseif was[1] ~= 'open' or seen[entry] then
    words[i - 3] = 'resolved'
  else
    words[i - 3], seen[entry] = 'done', true
    open[#open + 1] = {entry = entry, fp = was[2], job_type = was[3]}
  end
end
resolve_dead_letters(prefix, open, 'discarded', {actor = ARGV[2], reason = ARGV[3]}, now_ms)
return words
