-- Needs `log_end` and `log_oldest`, the keys of the cursors of the last entry of the log
-- and before its first one. Cursors are microseconds, so that those of a flushed log, or
-- of entries that were lost with the server, are never valid in this log.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function begin()
  if redis.call('EXISTS', log_end) == 1 then return end
  local start = string.format('%.0f', clock())
  redis.call('MSET', log_end, start, log_oldest, start)
end
