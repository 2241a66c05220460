"""Finding and fetching entities, and the blocks of histories, in Lua.

Each gets the key base of the store first.
"""

from __future__ import annotations

from .script import Script

__all__ = ["FETCH", "FIND", "PAGE", "SEARCH", "SIZES", "SPAN", "VERSIONS"]

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
-- an index that is being built answers with what it has so far, and does not say so:
-- after a restart, too, where it was once made for entities that were there. To ask for
-- all that is known of one is ten times as slow
local function building(name)
  local indexes = redis.call('INFO', 'search_indexes')
  if string.find(indexes, 'active_indexes_indexing:0', 1, true) then return false end
  local facts = redis.call('FT.INFO', name)
  for at = 1, #facts, 2 do
    local fact = type(facts[at]) == 'table' and facts[at].ok or facts[at]
    if fact == 'indexing' then return tonumber(facts[at + 1]) ~= 0 end
  end
  return true
end
if building(ARGV[5]) then return redis.error_reply('BUILDING the index') end
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
