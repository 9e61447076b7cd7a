-- Resolves dead letters as discarded.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 actor  3 reason  4… entries
-- Returns a word for each entry: done | resolved | missing
--!include score
--!include place
--!include bury
--!include dead_letter
local prefix, now_ms = 'qc:{' .. KEYS[1] .. '}:', tonumber(ARGV[1])
local words = {}
for i = 4, #ARGV do
  if redis.call('EXISTS', prefix .. 'dl:' .. ARGV[i]) == 0 then
    words[#words + 1] = 'missing'
  elseif resolve_dead_letter(prefix, ARGV[i], 'discarded', {actor = ARGV[2], reason = ARGV[3]}, now_ms) then
    words[#words + 1] = 'done'
  else
    words[#words + 1] = 'resolved'
  end
end
return words
