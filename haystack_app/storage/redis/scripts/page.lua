-- The next entities in order of their ids.
-- KEYS[1]  sorted set of all ids
-- ARGV[1]  prefix of the keys of entities
-- ARGV[2]  the id before, '' for none
-- ARGV[3]  how many at most
-- Returns  {ids, rows}, rows as fetch.lua has them

-- include row
local after = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local ids = redis.call('ZRANGEBYLEX', KEYS[1], after, '+', 'LIMIT', 0, ARGV[3])
local rows = {}
for at, id in ipairs(ids) do rows[at] = row(ARGV[1] .. id) end
return {ids, rows}
