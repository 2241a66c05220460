-- Needs `log_end` and `log_oldest`, the keys of the places of the last entry of the log
-- and of the one before its first. Places are microseconds, so that one of a log that
-- was flushed, or of entries that were lost with the server, is never one of this log.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function begin()
  if redis.call('EXISTS', log_end) == 1 then return end
  local start = string.format('%.0f', clock())
  redis.call('MSET', log_end, start, log_oldest, start)
end
