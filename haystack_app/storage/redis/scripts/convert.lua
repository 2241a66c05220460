-- Rename the keys of a store of the previous version.
-- KEYS[1]  hash of the layout of the store, by its former name
-- KEYS[2]  the same, by its name now
-- KEYS[3]  hash of locks of entities, by its former name
-- KEYS[4]  hash of locks of watches, by its former name
-- ARGV[1]  old prefix of the keys
-- ARGV[2]  new prefix of the keys
-- ARGV[3]  new value of KEYS[1], with which programs of the previous version refuse to
--          open the store
-- Returns  how many keys were renamed; 0 if there is no such store
-- Errors   LOCKED: a program of the previous version is writing; BOTH: stores with old
--          and with new names exist

local index, series = unpack(redis.call('HMGET', KEYS[1], 'index', 'series'))
if not index or index == ARGV[3] then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return redis.error_reply('BOTH a store with old names and one with new names exist')
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for at = 3, 4 do
  for _, held in ipairs(redis.call('HVALS', KEYS[at])) do
    if tonumber(string.match(held, '%d+$')) >= now then
      return redis.error_reply('LOCKED a program of the previous version is writing')
    end
  end
end

-- if memory is full this fails before any change; the commands after it cannot fail
redis.call('HSET', KEYS[2], 'index', index, 'series', series)
redis.call('HSET', KEYS[1], 'index', ARGV[3], 'series', ARGV[3])

local passing = {['locks'] = true, ['watches:locks'] = true}
local function move(key)
  local name = string.sub(key, #ARGV[1] + 1)
  if passing[name] or string.match(name, '^stage:') or string.match(name, '^done:') then
    redis.call('UNLINK', key)
    return
  end
  redis.call('RENAME', key, ARGV[2] .. name)
  if string.sub(name, 1, 2) == 'w:' then
    -- quotes inside strings have a backslash, so this is the name of a field
    local text = redis.call('GET', ARGV[2] .. name)
    local renamed, found = string.gsub(text, '([{,])"holder":', '%1"subscriber":', 1)
    if found > 0 then redis.call('SET', ARGV[2] .. name, renamed) end
  end
end

-- SCAN returns names twice if the table of keys is resized meanwhile
local count = 0
repeat
  local cursor, moved = '0', 0
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      if key ~= KEYS[1] and redis.call('EXISTS', key) == 1 then
        move(key)
        moved = moved + 1
      end
    end
  until cursor == '0'
  count = count + moved
until moved == 0
return count
