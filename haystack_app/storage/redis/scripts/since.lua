-- Entries of the change log after a cursor.
-- KEYS[1]  stream of the log
-- KEYS[2]  cursor of its last entry
-- KEYS[3]  cursor before its first entry
-- ARGV[1]  the cursor, '' for the end
-- ARGV[2]  how many entries at most
-- Returns  {cursor before the first entry, cursor of the last one, 1 if the log has the
--          given cursor, entries}

local log, log_end, log_oldest = KEYS[1], KEYS[2], KEYS[3]
-- include log_begin
begin()
local ends = redis.call('MGET', log_oldest, log_end)
if ARGV[1] == '' then return {ends[1], ends[2], 0, {}} end
local place = ARGV[1] .. '-0'
local known = ARGV[1] == ends[1] and 1 or #redis.call('XRANGE', log, place, place)
local found = redis.call('XRANGE', log, '(' .. place, '+', 'COUNT', ARGV[2])
return {ends[1], ends[2], known, found}
