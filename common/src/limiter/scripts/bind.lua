-- bind.lua: whose prefix this is; makes it ours if it is nobody's.
-- KEYS[1] hash  {prefix}:deployment      field: id, the installation that the prefix belongs to
-- ARGV[1] text  id of the asking installation      ARGV[2] ask: only look | bind: take it if it is nobody's | adopt: take it
-- reply   the id that it has now; empty: nobody's
-- safe    One call, so that two installations cannot both find it free. Never expires: a prefix that slept for a month is
--         still somebody's. An emptied Redis is nobody's, and the next start marks it again.
assert(#KEYS == 1 and #ARGV == 2, 'bind.lua: 1 key, 2 arguments')
local id = redis.call('HMGET', KEYS[1], 'id')[1]
if ARGV[2] == 'adopt' or (ARGV[2] == 'bind' and not id) then
  redis.call('HSET', KEYS[1], 'id', ARGV[1])
  id = ARGV[1]
end
return id or ''
