"""Taking and giving back locks, and applying what was prepared, in Lua.

Each gets the key of the locks first, and the token of who asks.
"""

from __future__ import annotations

from .script import Script

__all__ = [
    "ACQUIRE",
    "APPLY",
    "FENCED",
    "LAYOUT",
    "PRUNE",
    "RELEASE",
    "RENEW",
    "SINCE",
    "STAGED",
]

# -- locks: field -> "token deadline" in a hash --------------------------------

_LOCKS = """
local locks, token = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function mine(field)
  local held = redis.call('HGET', locks, field)
  return held and string.sub(held, 1, #token + 1) == token .. ' '
end
local function hold(field, ms)
  redis.call('HSET', locks, field, token .. ' ' .. string.format('%d', now + ms))
end
"""

ACQUIRE = Script(
    _LOCKS
    + """
-- lease in ms, whether the caller holds something already, fields; 1 when held
local lease, nested = tonumber(ARGV[3]), ARGV[4] == '1'
-- whoever died is superseded for good: the field goes, and with it his token
local function others(field)
  if mine(field) then return false end
  local held = redis.call('HGET', locks, field)
  if not held then return false end
  if tonumber(string.match(held, '%d+$')) >= now then return true end
  redis.call('HDEL', locks, field)
  return false
end
local function free()
  if ARGV[5] ~= '*' then
    if others('*') or (not nested and others('+')) then return false end
    for at = 5, #ARGV do
      if others(ARGV[at]) then return false end
    end
    return true
  end
  local all = true
  for _, field in ipairs(redis.call('HKEYS', locks)) do
    if field ~= '+' and others(field) then all = false end
  end
  -- single entities are not locked any more while somebody waits for all
  if not all then
    hold('+', 200)
  elseif mine('+') then
    redis.call('HDEL', locks, '+')
  end
  return all
end
if not free() then return 0 end
for at = 5, #ARGV do hold(ARGV[at], lease) end
return 1
"""
)

RENEW = Script(
    _LOCKS
    + """
for at = 4, #ARGV do
  if mine(ARGV[at]) then hold(ARGV[at], tonumber(ARGV[3])) end
end
"""
)

RELEASE = Script(
    _LOCKS
    + """
for at = 3, #ARGV do
  if mine(ARGV[at]) then redis.call('HDEL', locks, ARGV[at]) end
end
"""
)

# -- writing -------------------------------------------------------------------

FENCED, LAYOUT, STAGED = "FENCED", "LAYOUT", "STAGED"
"""How refusals begin: of a holder that was superseded, of one who knows another
index than there is, of words that did not arrive as they were sent.
"""

_LOG = """
-- places are microseconds, so that one of a log that was flushed, or of entries that
-- were lost with the server, is never taken for one of this
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function begin(base)
  if redis.call('EXISTS', base .. 'log:end') == 1 then return end
  local start = string.format('%.0f', clock())
  redis.call('MSET', base .. 'log:end', start, base .. 'log:oldest', start)
end
local function forget(base, entry)
  redis.call('LPOP', base .. 'l:' .. entry[2][2])
  redis.call('XDEL', base .. 'log', entry[1])
  redis.call('SET', base .. 'log:oldest', string.match(entry[1], '%d+'))
end
"""

SINCE = Script(
    _LOG
    + """
-- place or '', how many; the place before the oldest entry, the last one, whether
-- there was the place, entries
local base = ARGV[1]
begin(base)
local ends = redis.call('MGET', base .. 'log:oldest', base .. 'log:end')
if ARGV[2] == '' then return {ends[1], ends[2], 0, {}} end
local place, log = ARGV[2] .. '-0', base .. 'log'
local known = ARGV[2] == ends[1] and 1 or #redis.call('XRANGE', log, place, place)
local found = redis.call('XRANGE', log, '(' .. place, '+', 'COUNT', ARGV[3])
return {ends[1], ends[2], known, found}
"""
)

PRUNE = Script(
    _LOG
    + """
-- microsecond before which entries go, how many at most; how many went
local base, count = ARGV[1], 0
local oldest = redis.call('XRANGE', base .. 'log', '-', '+', 'COUNT', ARGV[3])
for _, entry in ipairs(oldest) do
  local at = string.match(entry[2][4], '^%[(%-?%d+)')
  if tonumber(at) >= tonumber(ARGV[2]) then break end
  forget(base, entry)
  count = count + 1
end
return count
"""
)

APPLY = Script(
    _LOCKS
    + _LOG
    + """
-- the store's base, longest log, key of staged words or '', how many these are, kind
-- of index or '', number of fields, fields, words.
-- A command is the number of its words, and these. A repeated call does nothing.
local base, done = ARGV[3], ARGV[3] .. 'done:' .. token
if redis.call('EXISTS', done) == 1 then return 1 end
local cap, staged, fields = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[8])
-- a part that was sent again, as the first answer was lost, is there twice
if staged ~= '' and redis.call('LLEN', staged) ~= tonumber(ARGV[6]) then
  return redis.error_reply('STAGED what was sent is not complete')
end
if ARGV[7] ~= '' and redis.call('HGET', base .. 'meta', 'index') ~= ARGV[7] then
  return redis.error_reply('LAYOUT the store was made anew')
end
for at = 9, 8 + fields do
  if not mine(ARGV[at]) then
    return redis.error_reply('FENCED somebody else has locked ' .. ARGV[at])
  end
end

local words, at, from, size = ARGV, 8 + fields, 0, 5000
if staged ~= '' then words, at = {}, 0 end
local function word()
  at = at + 1
  if words[at] == nil and staged ~= '' then
    words, at = redis.call('LRANGE', staged, from, from + size - 1), 1
    from = from + size
  end
  return words[at]
end

local last = nil
local function log(id, entry)
  if not last then
    begin(base)
    last = math.max(tonumber(redis.call('GET', base .. 'log:end')), clock())
  end
  last = last + 1
  local place = string.format('%.0f-0', last)
  redis.call('SET', base .. 'log:end', string.format('%.0f', last))
  redis.call('XADD', base .. 'log', place, 'id', id, 'entry', entry)
  redis.call('RPUSH', base .. 'l:' .. id, place)
end

-- everything that hangs on an entity but the log; readers of blocks have some time
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

-- samples of a series: pairs of float64, milliseconds and value. As words they would
-- take the client several times as long
local function add(key, samples)
  local at, format = 1, string.format
  while at <= #samples do
    local command, size = {'TS.MADD'}, 1
    while at <= #samples and size < 6000 do
      local time, value
      time, value, at = struct.unpack('<dd', samples, at)
      command[size + 1] = key
      command[size + 2] = format('%.0f', time)
      command[size + 3] = format('%.17g', value)
      size = size + 3
    end
    -- what fails is an item of the answer, and no error
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
    log(command[2], command[3])
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
  local excess = redis.call('XLEN', base .. 'log') - cap
  if excess <= 0 then break end
  local count = math.min(excess, 1000)
  local oldest = redis.call('XRANGE', base .. 'log', '-', '+', 'COUNT', count)
  for _, entry in ipairs(oldest) do forget(base, entry) end
end

if staged ~= '' then redis.call('DEL', staged) end
for field = 9, 8 + fields do redis.call('HDEL', locks, ARGV[field]) end
redis.call('SET', done, '1', 'EX', 60)
return 1
"""
)
