-- Needs `log`, `log_oldest` and `log_of`, the prefix of the keys of the cursors of an
-- entity's entries.
local function forget(entry)
  redis.call('LPOP', log_of .. entry[2][2])
  redis.call('XDEL', log, entry[1])
  redis.call('SET', log_oldest, string.match(entry[1], '%d+'))
end
