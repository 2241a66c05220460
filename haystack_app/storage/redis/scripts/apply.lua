-- Apply commands atomically, if the caller still holds its locks, and release these.
-- A repeated call does nothing.
-- KEYS[1]  hash of locks
-- KEYS[2]  exists for a minute after the caller's commands were applied
-- KEYS[3]  list of words that were sent before (staged)
-- KEYS[4]  hash of the layout of the store
-- KEYS[5]  stream of the change log
-- KEYS[6]  cursor of its last entry
-- KEYS[7]  cursor before its first entry
-- ARGV[1]  token of the caller
-- ARGV[2]  prefix of the keys of the store
-- ARGV[3]  how many entries the log keeps
-- ARGV[4]  how many words were sent before; 0 if they follow here
-- ARGV[5]  the kind of index that the commands are for, '' for any
-- ARGV[6]  the number of fields that are locked
-- ARGV[7+] fields, then words. A command is the number of its words, then the words.
--          Besides commands of the server: LOG id entry; ADD series samples; DROP id
-- Returns  1
-- Errors   FENCED: another holder has a lock; LAYOUT: the index is of another kind;
--          STAGED: the words that were sent before are incomplete

local locks, token = KEYS[1], ARGV[1]
local done, staged, base = KEYS[2], KEYS[3], ARGV[2]
local log, log_end, log_oldest, log_of = KEYS[5], KEYS[6], KEYS[7], base .. 'l:'
-- include holder
-- include log_begin
-- include log_forget
if redis.call('EXISTS', done) == 1 then return 1 end
local cap, sent, fields = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
-- a part is duplicated if it was sent again after a lost reply
if sent > 0 and redis.call('LLEN', staged) ~= sent then
  return redis.error_reply('STAGED the words that were sent are incomplete')
end
if ARGV[5] ~= '' and redis.call('HGET', KEYS[4], 'index') ~= ARGV[5] then
  return redis.error_reply('LAYOUT the store was created or reindexed meanwhile')
end
for at = 7, 6 + fields do
  if not mine(ARGV[at]) then
    return redis.error_reply('FENCED another holder has locked ' .. ARGV[at])
  end
end

local words, at, from, size = ARGV, 6 + fields, 0, 5000
if sent > 0 then words, at = {}, 0 end
local function word()
  at = at + 1
  if words[at] == nil and sent > 0 then
    words, at = redis.call('LRANGE', staged, from, from + size - 1), 1
    from = from + size
  end
  return words[at]
end

local last = nil
local function enter(id, entry)
  if not last then
    begin()
    last = math.max(tonumber(redis.call('GET', log_end)), clock())
  end
  last = last + 1
  local place = string.format('%.0f-0', last)
  redis.call('SET', log_end, string.format('%.0f', last))
  redis.call('XADD', log, place, 'id', id, 'entry', entry)
  redis.call('RPUSH', log_of .. id, place)
end

-- delete all that belongs to an entity, except the log; blocks expire later for readers
local function drop(id)
  for _, level in ipairs(redis.call('HKEYS', base .. 'a:' .. id)) do
    redis.call('ZREM', base .. 'due', level .. ':' .. id)
  end
  for _, member in ipairs(redis.call('ZRANGE', base .. 'h:' .. id, 0, -1)) do
    local block = string.sub(member, 17) .. ':' .. id
    redis.call('EXPIRE', base .. 'b:' .. block, 600)
    redis.call('EXPIRE', base .. 'o:' .. block, 600)
  end
  redis.call('UNLINK', base .. 'a:' .. id, base .. 'h:' .. id, base .. 's:' .. id)
  redis.call('HDEL', base .. 'generations', id)
end

-- samples of a series: pairs of float64, milliseconds and value, which is several times
-- faster for the client than words
local function add(key, samples)
  local first, format = 1, string.format
  while first <= #samples do
    local command, count = {'TS.MADD'}, 1
    while first <= #samples and count < 6000 do
      local time, value
      time, value, first = struct.unpack('<dd', samples, first)
      command[count + 1] = key
      command[count + 2] = format('%.0f', time)
      command[count + 3] = format('%.17g', value)
      count = count + 3
    end
    -- errors are items of the reply and are not raised
    for _, item in ipairs(redis.call(unpack(command))) do
      if type(item) == 'table' and item.err then error(item.err) end
    end
  end
end

local count = word()
while count do
  local command = {}
  for n = 1, tonumber(count) do command[n] = word() end
  if command[1] == 'LOG' then
    enter(command[2], command[3])
  elseif command[1] == 'ADD' then
    add(command[2], command[3])
  elseif command[1] == 'DROP' then
    drop(command[2])
  else
    redis.call(unpack(command))
  end
  count = word()
end

while last do
  local excess = redis.call('XLEN', log) - cap
  if excess <= 0 then break end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', math.min(excess, 1000))
  for _, entry in ipairs(oldest) do forget(entry) end
end

if sent > 0 then redis.call('DEL', staged) end
for field = 7, 6 + fields do redis.call('HDEL', locks, ARGV[field]) end
redis.call('SET', done, '1', 'EX', 60)
return 1
