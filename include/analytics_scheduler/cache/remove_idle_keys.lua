-- Purpose: remove those of the given keys that have no TTL and have been idle for too long.
-- Keys: up to a hundred, so few that no other client notices: the check and the removal are one
-- step, during which Redis serves nobody else.
-- Arguments: the idle time in seconds from which a key is removed; 1 to remove, 0 only to count.
-- Reply: the numbers of keys that were removed (or would be), that have a TTL, that were used
-- recently, that have no idle time (under an LFU policy), and that no longer existed.
local too_long = tonumber(ARGV[1])
local idle = {}
local with_ttl, used_lately, untracked, gone = 0, 0, 0, 0
for _, key in ipairs(KEYS) do
    local ttl = redis.call('PTTL', key)
    if ttl == -2 then
        gone = gone + 1
    elseif ttl ~= -1 then
        with_ttl = with_ttl + 1
    else
        local seconds = redis.pcall('OBJECT', 'IDLETIME', key)
        if type(seconds) ~= 'number' then
            untracked = untracked + 1
        elseif seconds >= too_long then
            idle[#idle + 1] = key
        else
            used_lately = used_lately + 1
        end
    end
end
if #idle > 0 and ARGV[2] == '1' then
    redis.call('UNLINK', unpack(idle))
end
return {#idle, with_ttl, used_lately, untracked, gone}
