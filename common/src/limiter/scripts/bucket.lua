-- bucket.lua: first part of take.lua and observe.lua; reads one bucket and brings it up to now, by Redis's clock.
-- KEYS[1] hash  {prefix}:bucket:{<limiter key>}    fields, all whole µs or whole numbers unless said otherwise:
--               tat_us (GCRA: when the bucket is full again), seen_us (last TIME), silent_until_us (0: never silenced),
--               run_id (text: the Redis that wrote this), born_us (when it was last unknown),
--               probes (grants while unknown; -1 once proved), burst, token_us (what the server says of its bucket's size),
--               line_us (the first slot that nobody in the waiting line was told of),
--               reserve (percent that was left to others when this was written; absent: 0)
-- ARGV[1] int   working capacity (35)     ARGV[2] int  server's capacity (40)     ARGV[3] int  µs a token (500000)
-- ARGV[4] int   percent of the bucket, tokens and refill, that is left to others: 0..90
-- safe    unknown key or another run_id = one token; TIME going back moves all that is remembered with it, so the level stays.
--         Doubles are exact up to 2^53: 285 years of µs. Key expires after 24 h idle.
-- model   domain/bucket.rs does the same sums; limiter/redis/tests compares the two.
assert(#KEYS == 1, '1 key')
local capacity, server_capacity, own_token_us = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local reserve = tonumber(ARGV[4])
local now_us = (function() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end)()
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local MAX_SILENCE_US = 900000000

local f = redis.call('HMGET', KEYS[1], 'tat_us', 'seen_us', 'silent_until_us', 'run_id', 'born_us', 'probes', 'burst', 'token_us',
  'line_us', 'reserve')
local tat_us, seen_us, silent_until_us = tonumber(f[1]), tonumber(f[2]), tonumber(f[3])
local born_us, probes, burst, token_us = tonumber(f[5]), tonumber(f[6]), tonumber(f[7]), tonumber(f[8])
local line_us, old_reserve = tonumber(f[9]), tonumber(f[10]) or 0
local whole = tat_us and seen_us and silent_until_us and born_us and probes and burst and token_us and line_us
local known = whole and f[4] == run_id
local before_us = known and seen_us or now_us

burst = math.min(burst or server_capacity, server_capacity)
token_us = math.max(token_us or own_token_us, own_token_us)

-- Tokens of the server's burst that are others', those that we use, and those that nobody shall use.
local function theirs() return math.floor((burst * reserve + 99) / 100) end
local function usable() return math.max(burst - (server_capacity - capacity) - theirs(), 1) end
local function margin() return math.max(burst - usable() - theirs(), 0) end

-- µs in which we gain a token with so many percent left to others.
local function pace_with(percent) return math.floor((token_us * 100 + 99 - percent) / (100 - percent)) end
local pace_us = pace_with(reserve)

if not known then
  tat_us, born_us, probes, line_us = now_us + (usable() - 1) * pace_us, now_us, 0, 0
  silent_until_us = silent_until_us or 0
elseif now_us < seen_us then
  local back_us = seen_us - now_us
  tat_us, born_us, line_us = tat_us - back_us, born_us - back_us, line_us - back_us
  silent_until_us = math.max(silent_until_us - back_us, 0)
end
if known and old_reserve ~= reserve then
  -- Another share: what was used stays used, token by token.
  local old_us = pace_with(old_reserve)
  tat_us = now_us + math.floor((math.max(tat_us - now_us, 0) * pace_us + old_us - 1) / old_us)
end
silent_until_us = math.min(silent_until_us, now_us + MAX_SILENCE_US)
tat_us = math.min(math.max(tat_us, now_us), now_us + (usable() + server_capacity) * pace_us)

-- The level in µs of our refill; below zero while reserved slots lie ahead.
local function level_us() return usable() * pace_us - (tat_us - now_us) end
local function set_level_us(level) tat_us = now_us + usable() * pace_us - level end

-- Every call writes: a replica, or a server without memory, must refuse. All fields, or the three that every call may move.
local function save(all)
  local int = '%.0f'
  local tat, now, line = string.format(int, tat_us), string.format(int, now_us), string.format(int, line_us)
  if all or not known or now_us < seen_us or old_reserve ~= reserve or f[3] ~= string.format(int, silent_until_us) then
    redis.call('HSET', KEYS[1], 'tat_us', tat, 'seen_us', now, 'silent_until_us', string.format(int, silent_until_us),
      'run_id', run_id, 'born_us', string.format(int, born_us), 'probes', probes, 'burst', burst, 'token_us', token_us,
      'line_us', line, 'reserve', reserve)
  else
    redis.call('HSET', KEYS[1], 'tat_us', tat, 'seen_us', now, 'line_us', line)
  end
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
