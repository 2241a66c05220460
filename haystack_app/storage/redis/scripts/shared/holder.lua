-- Needs `locks`, the key of a hash of "token deadline" by field, and `token`.
local function mine(field)
  local held = redis.call('HGET', locks, field)
  return held and string.sub(held, 1, #token + 1) == token .. ' '
end
