-- Purpose: remove, of the keys given, those without a TTL that nobody used for a time.
-- Keys: a few dozen, so that the check and the removal are one step that no other client notices.
-- Arguments: idle seconds from which a key goes; 1 to remove, 0 to count only.
-- Reply: how many went (or would go), have a TTL, were used lately, have no idle time (an LFU
-- policy), and were gone already.
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
