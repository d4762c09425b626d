-- Purpose: take days that cannot be stored off the list. Parameters: locations, days (of one
-- length).
DELETE FROM wanted_days AS w
USING unnest(%(locations)s::uuid [], %(days)s::date []) AS d (location_id, day)
WHERE w.location_id = d.location_id AND w.day = d.day
