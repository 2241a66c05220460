-- Replace the keys of a store by others, which are renamed.
-- KEYS[1]  hash of the layout of the store
-- ARGV[1]  prefix of the keys of the store
-- ARGV[2]  prefix of the keys that replace them
-- Returns  how many keys the store has then

-- SCAN returns names twice if the table of keys is resized meanwhile
local function each(prefix, change)
  local count = 0
  repeat
    local cursor, changed = '0', 0
    repeat
      local page = redis.call('SCAN', cursor, 'MATCH', prefix .. '*', 'COUNT', 1000)
      cursor = page[1]
      for _, key in ipairs(page[2]) do
        if redis.call('EXISTS', key) == 1 then
          change(key)
          changed = changed + 1
        end
      end
    until cursor == '0'
    count = count + changed
  until changed == 0
  return count
end

each(ARGV[1], function(key) redis.call('UNLINK', key) end)
return each(ARGV[2], function(key)
  redis.call('RENAME', key, ARGV[1] .. string.sub(key, #ARGV[2] + 1))
end)
