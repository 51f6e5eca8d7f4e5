-- take.lua: reserve one request of one bucket, atomically. Follows bucket.lua (KEYS[1], ARGV[1..4]).
-- ARGV[5] int   horizon in µs, 0..1000000: how far ahead the slot may lie
-- ARGV[6] int   settle time in µs (1000000): a grant of an unknown bucket proves it if its slot is that long after born_us
-- reply  {1, now_us, before_us, wait_us, level_after, born_us, proof, burst, token_us}
--                                        granted: send wait_us after now_us, not before; level_after = whole tokens that
--                                        the server should still have, even if others have used up their share;
--                                        proof > 0: tell observe.lua what the answer says
--        {0, now_us, before_us, ask_us, silent_us}
--                                        refused: ask again in ask_us; nothing was taken. silent_us > 0: the key is silent
--        before_us is the bucket's last time before this call (now_us if it was unknown), to find clock jumps.
-- example  level 1.0, horizon 1 s: granted {wait 0}, then {wait 500000}, {wait 1000000}, then refused {ask 500000}, {ask 1000000}
assert(#ARGV == 6, 'take.lua: 6 arguments')
local horizon_us, settle_us = tonumber(ARGV[5]), tonumber(ARGV[6])

local LONGEST_LINE = 8

local conforms_us = tat_us - (usable() - 1) * pace_us
local slot_us = math.max(now_us, conforms_us, silent_until_us)
if slot_us - now_us > horizon_us then
  -- Each caller gets a turn of its own; all at once would ask again and again for one token.
  local turn_us = math.min(math.max(line_us, conforms_us), conforms_us + LONGEST_LINE * pace_us)
  line_us = turn_us + pace_us
  save()
  return {0, now_us, before_us, math.max(turn_us, slot_us) - now_us - horizon_us, math.max(silent_until_us - now_us, 0)}
end
tat_us = math.max(tat_us, slot_us) + pace_us
local proof = 0
if probes >= 0 then
  probes = probes + 1
  if slot_us - born_us >= settle_us then proof = probes end
end
save(probes >= 0)
local left_us = usable() * pace_us - (tat_us - slot_us)
return {1, now_us, before_us, slot_us - now_us, math.floor(left_us / pace_us) + margin(), born_us, proof, burst, token_us}
