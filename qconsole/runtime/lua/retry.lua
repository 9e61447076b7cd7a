-- Puts failed or cancelled jobs back under their ids: history kept, one more full run of attempts, place in the flow.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 actor  3 reason, then per job: id, due ms (0: now), payload ('': the stored one)
-- Returns a word for each id: done | no_payload | duplicate (another job stands for its dedup id) | the state it is in
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include retry
local words, now_ms = {}, tonumber(ARGV[1])
for i = 4, #ARGV, 3 do
  words[#words + 1] = retry(KEYS[1], ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2],
    {actor = ARGV[2], reason = ARGV[3], replayed_as = ARGV[i]}, now_ms)
end
wake(KEYS[1], #words)
return words
