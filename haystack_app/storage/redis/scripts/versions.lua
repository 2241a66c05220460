-- Versions of entities, without their tags.
-- KEYS     hashes of entities
-- Returns  for each its version, nil where there is none

local versions = {}
for at, key in ipairs(KEYS) do versions[at] = redis.call('HGET', key, 'version') end
return versions
