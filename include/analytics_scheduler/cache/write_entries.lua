-- Purpose: write entries, unless another publisher may have written newer ones.
-- Keys: the entries, up to a hundred, so few that no other client notices; then the lock of the
-- publisher. In a cluster one entry and no lock, because their slots differ.
-- Arguments: for each entry its JSON, or '' if it is stored and needs only its TTL, and its TTL in
-- seconds; then the token that the lock must hold, if the lock is given.
-- Reply: 1; 0 if an entry that needed only its TTL has expired; -1 if the lock is lost and nothing
-- was written.
local entries = math.floor(#ARGV / 2)
if #KEYS > entries and redis.call('GET', KEYS[#KEYS]) ~= ARGV[#ARGV] then
    return -1
end
local is_complete = 1
for n = 1, entries do
    local entry, seconds = ARGV[2 * n - 1], ARGV[2 * n]
    if entry ~= '' then
        redis.call('SET', KEYS[n], entry, 'EX', seconds)
    elseif redis.call('EXPIRE', KEYS[n], seconds) == 0 then
        is_complete = 0
    end
end
return is_complete
