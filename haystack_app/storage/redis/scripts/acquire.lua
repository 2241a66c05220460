-- Acquire locks, all of them or none.
-- KEYS[1]  hash of locks: "token deadline" by field
-- ARGV[1]  token of the caller
-- ARGV[2]  how long the locks last, in milliseconds
-- ARGV[3]  '1' if the caller holds other locks already, else '0'
-- ARGV[4+] fields: ids, or '*' alone for all
-- Returns  1 if the caller holds them now, else 0

local locks, token = KEYS[1], ARGV[1]
-- include holder
-- include hold
local lease, nested = tonumber(ARGV[2]), ARGV[3] == '1'
-- a holder that died is superseded for good: the field goes, and with it its token
local function others(field)
  if mine(field) then return false end
  local held = redis.call('HGET', locks, field)
  if not held then return false end
  if tonumber(string.match(held, '%d+$')) >= now then return true end
  redis.call('HDEL', locks, field)
  return false
end
local function free()
  if ARGV[4] ~= '*' then
    if others('*') or (not nested and others('+')) then return false end
    for at = 4, #ARGV do
      if others(ARGV[at]) then return false end
    end
    return true
  end
  local all = true
  for _, field in ipairs(redis.call('HKEYS', locks)) do
    if field ~= '+' and others(field) then all = false end
  end
  -- single entities are not locked any more while a caller waits for all
  if not all then
    hold('+', 200)
  elseif mine('+') then
    redis.call('HDEL', locks, '+')
  end
  return all
end
if not free() then return 0 end
for at = 4, #ARGV do hold(ARGV[at], lease) end
return 1
