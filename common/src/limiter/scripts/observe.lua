-- observe.lua: tell one bucket what an answer's headers said, atomically. Follows bucket.lua (KEYS[1], ARGV[1..4]).
-- ARGV[5]  int  X-RateLimit-Remaining: whole tokens left after the request; -1 if not said
-- ARGV[6]  int  server's burst capacity, 1..ARGV[2]           ARGV[7]  int  µs a token, at least ARGV[3]
-- ARGV[8]  int  1: the request was refused (429); 2: our clock and Redis's did not move in step, empty the bucket; else 0
-- ARGV[9]  int  Retry-After in µs, 0..900000000               ARGV[10] int  µs since the request was sent
-- ARGV[11] int  other requests of this key that the caller has in flight
-- ARGV[12] int  born_us and ARGV[13] int proof of the request's grant (take.lua)
-- ARGV[14] int  floor (5): fewer tokens left silence the key   ARGV[15] int  for how many µs (2000000)
-- ARGV[16] text channel {prefix}:silence                       ARGV[17] text the limiter key, without blanks
-- reply   {now_us, before_us, silent_us, moved}   (before_us as in take.lua)     silent_us > 0: nobody sends before now_us + silent_us
--                                        moved: -1 the level went down, 1 up (proved, or unusable slots given back), 0 stayed
-- publishes '<limiter key> <silent_until_us> <now_us>' whenever a silence begins or grows
-- safe    up only by proof, once a life of the bucket; an old answer (> 2 s) corrects nothing, one of > 10 s proves nothing
assert(#ARGV == 17, 'observe.lua: 17 arguments')
local remaining, said_burst, said_token_us = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local event, retry_after_us, elapsed_us, in_flight = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local grant_born_us, proof = tonumber(ARGV[12]), tonumber(ARGV[13])
local floor, floor_pause_us = tonumber(ARGV[14]), tonumber(ARGV[15])
local STEP_TOKENS, CORRECTS_FOR_US, PROVES_FOR_US = 2, 2000000, 10000000

if event == '2' then
  tat_us = math.max(tat_us, now_us + usable() * pace_us)
  born_us, probes = now_us, 0
  save(true)
  return {now_us, before_us, math.max(silent_until_us - now_us, 0), -1}
end

if said_burst ~= burst or said_token_us ~= token_us then
  local scaled_us = math.floor(level_us() * said_token_us / token_us)
  burst, token_us = said_burst, said_token_us
  pace_us = pace_with(reserve)
  set_level_us(math.min(scaled_us, usable() * pace_us))
end

local margin_us = margin() * pace_us
local before = level_us()
local level, silent_us = before, 0
if event == '1' then
  level, probes = math.min(level, -margin_us), -1
  silent_us = math.max(retry_after_us, floor * token_us, 1000000)
elseif remaining >= 0 then
  -- Ours, if others have used up their share; what they took of it is not taken from us again.
  local server_us = remaining * pace_us - margin_us
  if probes >= 0 and proof > 0 and grant_born_us == born_us and elapsed_us <= PROVES_FOR_US then
    -- Who used what is not known any more: their share is full.
    level = server_us - (theirs() + math.max(probes - proof, 0)) * pace_us
    probes = -1
  elseif elapsed_us <= CORRECTS_FOR_US and server_us < level - STEP_TOKENS * pace_us - elapsed_us then
    level = server_us - in_flight * pace_us
  end
  if remaining < floor then
    silent_us = floor_pause_us
    if level < 0 then level = level + math.floor((-level + pace_us - 1) / pace_us) * pace_us end
    if elapsed_us <= CORRECTS_FOR_US then level = math.min(level, server_us) end
  end
end
level = math.min(math.max(level, -server_capacity * pace_us), usable() * pace_us)
set_level_us(level)
if now_us + silent_us > silent_until_us and silent_us > 0 then
  silent_until_us = now_us + silent_us
  redis.call('PUBLISH', ARGV[16], ARGV[17] .. string.format(' %.0f %.0f', silent_until_us, now_us))
end
save(true)
local moved = level < before and -1 or (level > before and 1 or 0)
return {now_us, before_us, math.max(silent_until_us - now_us, 0), moved}
