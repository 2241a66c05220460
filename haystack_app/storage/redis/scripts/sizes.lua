-- The length of a history.
-- KEYS[1]  directory of the history
-- ARGV[1]  prefix of the keys of numbers
-- ARGV[2]  id of the point
-- Returns  total bytes of numbers of all blocks

local sum = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local block = string.sub(member, 17) .. ':' .. ARGV[2]
  sum = sum + redis.call('STRLEN', ARGV[1] .. block)
end
return sum
