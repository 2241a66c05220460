-- Needs `locks` and `token`. Deadlines are milliseconds since 1970.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function hold(field, ms)
  redis.call('HSET', locks, field, token .. ' ' .. string.format('%d', now + ms))
end
