-- Puts failed or cancelled jobs back under their ids: history kept, one more full run of attempts, place in the flow.
-- KEYS 1 the queue's ZSET
-- ARGV 1 now ms  2 actor  3 reason  4 1: leave alone what was replayed as another job that is still known,
--      then per job: id, due ms (0: now), payload ('': the stored one)
-- Returns a word for each id: done | no_payload | duplicate (another job stands for its dedup id) | replayed | the state
--   it is in
--!include score
--!include place
--!include job
--!include dedup
--!include bury
--!include flow
--!include dead_letter
--!include flow_change
--!include retry
local words, now_ms, plain = {}, tonumber(ARGV[1]), {}
for i = 5, #ARGV, 3 do
  if ARGV[i + 1] == '0' and ARGV[i + 2] == '' then
    plain[#plain + 1] = ARGV[i]
  end
end
local put_back = #plain > 0 and retry_plainly(KEYS[1], plain, {actor = ARGV[2], reason = ARGV[3]}, now_ms) or {}
for i = 5, #ARGV, 3 do
  if put_back[ARGV[i]] then
    words[#words + 1] = 'done'
    put_back[ARGV[i]] = nil
  else
    words[#words + 1] = retry(KEYS[1], ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2],
      {actor = ARGV[2], reason = ARGV[3], replayed_as = ARGV[i], unless_replayed = ARGV[4] == '1'}, now_ms)
  end
end
wake(KEYS[1], #words)
return words
