-- Purpose: delete a lock, unless it has expired and another publisher holds it.
-- Keys: the lock.
-- Arguments: the token of the publisher.
-- Reply: the number of keys that were deleted.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
