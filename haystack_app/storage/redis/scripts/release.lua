-- Release the locks that the caller still holds.
-- KEYS[1]  hash of locks
-- ARGV[1]  token of the caller
-- ARGV[2+] fields
-- Returns  nothing

local locks, token = KEYS[1], ARGV[1]
-- include holder
for at = 2, #ARGV do
  if mine(ARGV[at]) then redis.call('HDEL', locks, ARGV[at]) end
end
