-- The blocks of a history around some times.
-- KEYS[1]  directory of the history
-- ARGV[1]  prefix of the keys of numbers
-- ARGV[2]  id of the point
-- ARGV[3]  first time as hex, or ''
-- ARGV[4]  last time as hex, or ''
-- Returns  {members of the directory whose blocks may have such times, bytes of numbers
--          of the last of these, the member of the last block of all, its bytes of
--          numbers, its last sample}; nil if the history is empty

local key = KEYS[1]
local function numbers(member)
  return ARGV[1] .. string.sub(member, 17) .. ':' .. ARGV[2]
end
local from, to = '-', '+'
if ARGV[3] ~= '' then
  local below = '(' .. ARGV[3] .. 'g'
  local before = redis.call('ZREVRANGEBYLEX', key, below, '-', 'LIMIT', 0, 1)
  if before[1] then from = '[' .. before[1] end
end
if ARGV[4] ~= '' then to = '(' .. ARGV[4] .. 'g' end
local members = redis.call('ZRANGEBYLEX', key, from, to)
local last = redis.call('ZREVRANGEBYLEX', key, '+', '-', 'LIMIT', 0, 1)[1]
if not last then return {} end
if #members == 0 then members = redis.call('ZRANGE', key, 0, 0) end
local size = redis.call('STRLEN', numbers(members[#members]))
local all = redis.call('STRLEN', numbers(last))
return {members, size, last, all, redis.call('GETRANGE', numbers(last), -16, -1)}
