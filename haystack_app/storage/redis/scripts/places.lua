-- The next entries of the change log, without their content.
-- KEYS[1]  stream of the log
-- ARGV[1]  the place before, '' for none
-- ARGV[2]  how many at most
-- Returns  places and ids, in turn

local after = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local found = redis.call('XRANGE', KEYS[1], after, '+', 'COUNT', ARGV[2])
local words = {}
for at, entry in ipairs(found) do
  words[2 * at - 1] = entry[1]
  words[2 * at] = entry[2][2]
end
return words
