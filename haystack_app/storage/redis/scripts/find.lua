-- Entities by conjunctions of terms, on a server without modules.
-- KEYS[1]  hash of the layout of the store
-- ARGV[1]  prefix of the keys of entities
-- ARGV[2]  prefix of the keys of sets of ids by term
-- ARGV[3]  the maximum number of rows to return
-- ARGV[4]  '1' if the caller needs no more than these, else '0'
-- ARGV[5+] conjunctions: the number of terms, then these; a term is the name of a set,
--          or '@' and an id
-- Returns  {ids, rows}; {ids} if there are more than the maximum number of rows;
--          the key of the smallest set, for the caller to scan, if it is larger than
--          the caller needs
-- Errors   LAYOUT: the store has an index of another kind

-- include row
local ids, seen, at, most = {}, {}, 5, tonumber(ARGV[3])
local kind = redis.call('HGET', KEYS[1], 'index')
if kind and not string.find(kind, '^sets') then
  return redis.error_reply('LAYOUT the store has an index of another kind now')
end
local function smallest(first, last)
  local sets, best, size = {}, nil, nil
  for term = first, last do
    if string.sub(ARGV[term], 1, 1) == '@' then return nil end
    local set = ARGV[2] .. ARGV[term]
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
if ARGV[4] == '1' and ARGV[5] and #ARGV == 5 + tonumber(ARGV[5]) then
  local set = smallest(6, #ARGV)
  if set then return set end
end
while ARGV[at] do
  local sets, found = {}, nil
  for term = at + 1, at + tonumber(ARGV[at]) do
    local text = ARGV[term]
    if string.sub(text, 1, 1) == '@' then
      found = {string.sub(text, 2)}
    else
      sets[#sets + 1] = ARGV[2] .. text
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
for place, id in ipairs(ids) do rows[place] = row(ARGV[1] .. id) end
return {ids, rows}
