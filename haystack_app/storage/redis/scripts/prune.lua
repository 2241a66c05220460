-- Delete the oldest entries of the change log.
-- KEYS[1]  stream of the log
-- KEYS[2]  cursor before its first entry
-- ARGV[1]  prefix of the keys of the places of an entity's entries
-- ARGV[2]  microsecond before which entries are deleted
-- ARGV[3]  how many at most
-- Returns  how many were deleted

local log, log_oldest, log_of = KEYS[1], KEYS[2], ARGV[1]
-- include log_forget
local count = 0
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', ARGV[3])
for _, entry in ipairs(oldest) do
  local at = string.match(entry[2][4], '^%[(%-?%d+)')
  if tonumber(at) >= tonumber(ARGV[2]) then break end
  forget(entry)
  count = count + 1
end
return count
