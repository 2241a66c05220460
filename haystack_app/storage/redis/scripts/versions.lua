-- Versions of entities, without their tags.
-- KEYS     hashes of entities
-- Returns  for each its version, nil if it does not exist

local versions = {}
for at, key in ipairs(KEYS) do versions[at] = redis.call('HGET', key, 'version') end
return versions
