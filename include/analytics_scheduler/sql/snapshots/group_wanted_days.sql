-- Purpose: group the locations whose wanted days have the same extent, for the passes.
-- Parameters: size (how many locations the batch has). Rows: one an extent, moment of prices and
-- kind (missing or stored), with its locations in order, or NULL where it is all of the batch.
WITH extents AS (
    SELECT
        location_id,
        priced_at,
        reason IS NULL AS is_missing,
        min(day) AS first_day,
        max(day) AS last_day
    FROM wanted_days
    GROUP BY location_id, priced_at, is_missing
)

SELECT
    priced_at,
    is_missing,
    first_day,
    last_day,
    CASE WHEN count(*) < %(size)s THEN array_agg(location_id ORDER BY location_id) END AS locations
FROM extents
GROUP BY priced_at, is_missing, first_day, last_day
