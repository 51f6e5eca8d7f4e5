-- heartbeat.lua: a worker says that it lives, by Redis's clock; entries that ran out are removed on the way.
-- KEYS[1] hash  {prefix}:workers      field: worker id      value: '<ms until which it counts as living> <json>'
-- ARGV[1] text  worker id      ARGV[2] text  json      ARGV[3] int  ms for which this heartbeat counts
-- reply   number of living workers, this one included
assert(#KEYS == 1 and #ARGV == 3, 'heartbeat.lua: 1 key, 3 arguments')
local now_ms = (function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()
local ttl_ms = tonumber(ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now_ms + ttl_ms) .. ARGV[2])
local entries, living = redis.call('HGETALL', KEYS[1]), 0
for i = 1, #entries, 2 do
  if (tonumber(string.match(entries[i + 1], '^%d+')) or 0) > now_ms then
    living = living + 1
  else
    redis.call('HDEL', KEYS[1], entries[i])
  end
end
redis.call('PEXPIRE', KEYS[1], math.max(ttl_ms, 86400000))
return living
