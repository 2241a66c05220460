-- Renew the locks that the caller still holds.
-- KEYS[1]  hash of locks
-- ARGV[1]  token of the caller
-- ARGV[2]  how long they last from now on, in milliseconds
-- ARGV[3+] fields
-- Returns  nothing

local locks, token = KEYS[1], ARGV[1]
-- include holder
-- include hold
for at = 3, #ARGV do
  if mine(ARGV[at]) then hold(ARGV[at], tonumber(ARGV[2])) end
end
