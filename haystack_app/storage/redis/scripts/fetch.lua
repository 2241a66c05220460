-- Entities of one snapshot.
-- KEYS     hashes of entities
-- Returns  for each {tags, cur, mod, version, set}, all of them nil if it does not exist

-- include row
local rows = {}
for at, key in ipairs(KEYS) do rows[at] = row(key) end
return rows
