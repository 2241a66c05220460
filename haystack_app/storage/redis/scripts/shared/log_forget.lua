-- Needs `log`, `log_oldest` and `log_of`, how the keys of the places of an entity's
-- entries begin.
local function forget(entry)
  redis.call('LPOP', log_of .. entry[2][2])
  redis.call('XDEL', log, entry[1])
  redis.call('SET', log_oldest, string.match(entry[1], '%d+'))
end
