-- The stored fields of the entity at a key: tags, cur, mod, version, set.
local function row(key)
  return redis.call('HMGET', key, 'tags', 'cur', 'mod', 'version', 'set')
end
