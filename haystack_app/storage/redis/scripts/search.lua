-- Entities by a query of RediSearch.
-- KEYS[1]  hash of the layout of the store
-- ARGV[1]  prefix of the keys of entities
-- ARGV[2]  prefix of the keys of documents
-- ARGV[3]  how many ids at most
-- ARGV[4]  the maximum number of rows to return
-- ARGV[5]  '1' to return rows also if more entities match
-- ARGV[6]  the name of the index
-- ARGV[7+] the query, and other words of FT.SEARCH
-- Returns  {the number of matches, ids}, and rows unless there are too many
-- Errors   LAYOUT: the store has an index of another kind; BUILDING: not all of the
--          documents are in the index yet

-- include row
local most = tonumber(ARGV[4])
local kind = redis.call('HGET', KEYS[1], 'index')
if not kind then return {0, {}, {}} end
if not string.find(kind, '^search') then
  return redis.error_reply('LAYOUT the store has an index of another kind now')
end
-- an index that is being built returns partial results without an error, also after a
-- restart of the server if it was created over existing documents. FT.INFO of an index
-- is ten times as slow as INFO
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
if building(ARGV[6]) then return redis.error_reply('BUILDING the index') end
local command = {'FT.SEARCH'}
for at = 6, #ARGV do command[#command + 1] = ARGV[at] end
-- without an explicit timeout it would return partial results without an error
local options = {'NOCONTENT', 'LIMIT', '0', ARGV[3], 'TIMEOUT', '0', 'DIALECT', '2'}
for _, word in ipairs(options) do command[#command + 1] = word end
local found = redis.call(unpack(command))
local ids, first = {}, #ARGV[2] + 1
for at = 2, #found do ids[at - 1] = string.sub(found[at], first) end
if #ids > most or (found[1] > most and ARGV[5] ~= '1') then return {found[1], ids} end
local rows = {}
for place, id in ipairs(ids) do rows[place] = row(ARGV[1] .. id) end
return {found[1], ids, rows}
