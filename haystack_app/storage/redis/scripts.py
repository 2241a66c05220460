"""What must happen in one step on the server, in Lua.

Scripts of locks get their key first, others the store's key base. They touch keys
that they are not given by name, so a cluster would have to keep a store on one node.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

__all__ = [
    "ACQUIRE",
    "ALL",
    "APPLY",
    "FENCED",
    "FETCH",
    "FIND",
    "LAYOUT",
    "PAGE",
    "RELEASE",
    "RENEW",
    "SEARCH",
    "SIZES",
    "SPAN",
    "VERSIONS",
    "Script",
]


@dataclass(frozen=True)
class Script:
    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", sha)


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

FENCED, LAYOUT = "FENCED", "LAYOUT"
"""How refusals begin: of a holder that was superseded, of one who knows another
index than there is.
"""

APPLY = Script(
    _LOCKS
    + """
-- the store's base, longest log, key of staged words or '', kind of index or '',
-- number of fields, fields, words.
-- A command is the number of its words, and these. A repeated call does nothing.
local base, done = ARGV[3], ARGV[3] .. 'done:' .. token
if redis.call('EXISTS', done) == 1 then return 1 end
local cap, staged, fields = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[7])
if ARGV[6] ~= '' and redis.call('HGET', base .. 'meta', 'index') ~= ARGV[6] then
  return redis.error_reply('LAYOUT the store was made anew')
end
for at = 8, 7 + fields do
  if not mine(ARGV[at]) then
    return redis.error_reply('FENCED somebody else has locked ' .. ARGV[at])
  end
end

local words, at, from, size = ARGV, 7 + fields, 0, 5000
if staged ~= '' then words, at = {}, 0 end
local function word()
  at = at + 1
  if words[at] == nil and staged ~= '' then
    words, at = redis.call('LRANGE', staged, from, from + size - 1), 1
    from = from + size
  end
  return words[at]
end

local function log(id, entry)
  local place = redis.call('XADD', base .. 'log', '*', 'id', id, 'entry', entry)
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

local logged = false
local count = word()
while count do
  local command = {}
  for n = 1, tonumber(count) do command[n] = word() end
  if command[1] == 'LOG' then
    log(command[2], command[3])
    logged = true
  elseif command[1] == 'ADD' then
    add(command[2], command[3])
  elseif command[1] == 'DROP' then
    drop(command[2])
  else
    redis.call(unpack(command))
  end
  count = word()
end

while logged do
  local excess = redis.call('XLEN', base .. 'log') - cap
  if excess <= 0 then break end
  local count = math.min(excess, 1000)
  local oldest = redis.call('XRANGE', base .. 'log', '-', '+', 'COUNT', count)
  for _, entry in ipairs(oldest) do
    redis.call('LPOP', base .. 'l:' .. entry[2][2])
    redis.call('XDEL', base .. 'log', entry[1])
  end
end

if staged ~= '' then redis.call('DEL', staged) end
for field = 8, 7 + fields do redis.call('HDEL', locks, ARGV[field]) end
redis.call('SET', done, '1', 'EX', 60)
return 1
"""
)

# -- reading entities ----------------------------------------------------------

_ROW = """
local base = ARGV[1]
local function row(id)
  return redis.call('HMGET', base .. 'e:' .. id, 'tags', 'cur', 'mod', 'version', 'set')
end
"""

FETCH = Script(
    _ROW
    + """
local rows = {}
for at = 2, #ARGV do rows[at - 1] = row(ARGV[at]) end
return rows
"""
)

VERSIONS = Script(
    """
local versions = {}
for at = 2, #ARGV do
  versions[at - 1] = redis.call('HGET', ARGV[1] .. 'e:' .. ARGV[at], 'version')
end
return versions
"""
)

PAGE = Script(
    _ROW
    + """
-- the id before, how many; ids and rows in order
local after = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local ids = redis.call('ZRANGEBYLEX', base .. 'ids', after, '+', 'LIMIT', 0, ARGV[3])
local rows = {}
for at, id in ipairs(ids) do rows[at] = row(id) end
return {ids, rows}
"""
)

FIND = Script(
    _ROW
    + """
-- how many rows at most come along, '1' if the caller wants no more than those, then
-- conjunctions: a count and its terms, names of sets or '@' and an id. Answers ids
-- and rows; ids alone where they are more; or the smallest set to look through
local ids, seen, at, most = {}, {}, 4, tonumber(ARGV[2])
local kind = redis.call('HGET', base .. 'meta', 'index')
if kind and kind ~= 'sets' then
  return redis.error_reply('LAYOUT the store has an index of another kind now')
end
local function smallest(first, last)
  local sets, best, size = {}, nil, nil
  for term = first, last do
    if string.sub(ARGV[term], 1, 1) == '@' then return nil end
    local set = base .. 't:' .. ARGV[term]
    local count = redis.call('SCARD', set)
    if not size or count < size then best, size = set, count end
    sets[#sets + 1] = set
  end
  if size <= most then return nil end
  local command = {'SINTERCARD', #sets}
  for _, set in ipairs(sets) do command[#command + 1] = set end
  command[#command + 1] = 'LIMIT'
  command[#command + 1] = most + 1
  local both = redis.call(unpack(command))
  return both > most and best or nil
end
if ARGV[3] == '1' and ARGV[4] and #ARGV == 4 + tonumber(ARGV[4]) then
  local set = smallest(5, #ARGV)
  if set then return set end
end
while ARGV[at] do
  local sets, found = {}, nil
  for term = at + 1, at + tonumber(ARGV[at]) do
    local text = ARGV[term]
    if string.sub(text, 1, 1) == '@' then
      found = {string.sub(text, 2)}
    else
      sets[#sets + 1] = base .. 't:' .. text
    end
  end
  if not found then found = redis.call('SINTER', unpack(sets)) end
  for _, id in ipairs(found) do
    if not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
  at = at + tonumber(ARGV[at]) + 1
end
if #ids > most then return {ids} end
local rows = {}
for place, id in ipairs(ids) do rows[place] = row(id) end
return {ids, rows}
"""
)

SEARCH = Script(
    _ROW
    + """
-- how many ids at most, how many rows at most, words of FT.SEARCH: the number of all
-- that match, ids, and rows where these are not more than asked for or ARGV[4] is '1'
local most = tonumber(ARGV[3])
local kind = redis.call('HGET', base .. 'meta', 'index')
if not kind then return {0, {}, {}} end
if kind ~= 'search' then
  return redis.error_reply('LAYOUT the store has an index of another kind now')
end
local command = {'FT.SEARCH'}
for at = 5, #ARGV do command[#command + 1] = ARGV[at] end
-- without a limit of its own it would stop in the middle, and not say so
local options = {'NOCONTENT', 'LIMIT', '0', ARGV[2], 'TIMEOUT', '0', 'DIALECT', '2'}
for _, word in ipairs(options) do command[#command + 1] = word end
local found = redis.call(unpack(command))
local ids, first = {}, #base + 3
for at = 2, #found do ids[at - 1] = string.sub(found[at], first) end
if #ids > most or (found[1] > most and ARGV[4] ~= '1') then return {found[1], ids} end
local rows = {}
for place, id in ipairs(ids) do rows[place] = row(id) end
return {found[1], ids, rows}
"""
)

# -- reading histories ---------------------------------------------------------

SPAN = Script(
    """
-- id, first and last time as hex or ''. The members of the blocks that may hold
-- such times, the size of the last of these, and the last block of all: its member,
-- its size and its last sample
local base, id = ARGV[1], ARGV[2]
local key = base .. 'h:' .. id
local function numbers(member)
  return base .. 'b:' .. string.sub(member, 17) .. ':' .. id
end
local from, to = '-', '+'
if ARGV[3] ~= '' then
  local below = '(' .. ARGV[3] .. 'g'
  local before = redis.call('ZREVRANGEBYLEX', key, below, '-', 'LIMIT', 0, 1)
  if before[1] then from = '[' .. before[1] end
end
if ARGV[4] ~= '' then to = '(' .. ARGV[4] .. 'g' end
local members = redis.call('ZRANGEBYLEX', key, from, to)
local last = redis.call('ZREVRANGEBYLEX', key, '+', '-', 'LIMIT', 0, 1)[1]
if not last then return {} end
if #members == 0 then members = redis.call('ZRANGE', key, 0, 0) end
local size = redis.call('STRLEN', numbers(members[#members]))
local all = redis.call('STRLEN', numbers(last))
return {members, size, last, all, redis.call('GETRANGE', numbers(last), -16, -1)}
"""
)

SIZES = Script(
    """
-- id; bytes of all blocks of numbers together
local base, id, sum = ARGV[1], ARGV[2], 0
for _, member in ipairs(redis.call('ZRANGE', base .. 'h:' .. id, 0, -1)) do
  sum = sum + redis.call('STRLEN', base .. 'b:' .. string.sub(member, 17) .. ':' .. id)
end
return sum
"""
)

ALL = (
    *(ACQUIRE, RENEW, RELEASE, APPLY, FETCH, VERSIONS, PAGE, FIND, SEARCH, SPAN),
    SIZES,
)
