-- Entities in one state.
-- KEYS     hashes of entities
-- Returns  for each {tags, cur, mod, version, set}, all of them nil where there is none

-- include row
local rows = {}
for at, key in ipairs(KEYS) do rows[at] = row(key) end
return rows
