-- Places at which the change log and an entity's list of its entries differ.
-- KEYS[1]  stream of the log
-- KEYS[2]  list of the places of the entity's entries
-- ARGV[1+] places to look at
-- Returns  those that only one of both has

local listed, found = {}, {}
for _, place in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do listed[place] = true end
for _, place in ipairs(ARGV) do
  local logged = #redis.call('XRANGE', KEYS[1], place, place) > 0
  if logged ~= (listed[place] or false) then found[#found + 1] = place end
end
return found
